# The GStreamer plugin: build/gstreamer/libgstdfy.so. GST_PLUGIN_PATH=build/gstreamer gst-inspect-1.0 dfy

GST_SOURCES  := $(wildcard bindings/gstreamer/*.c)
GST_PACKAGES := gstreamer-1.0 gstreamer-base-1.0 gstreamer-video-1.0
GST_PLUGIN   := $(B)/gstreamer/libgstdfy.so
# GStreamer's headers are C99 with casts of their own.
$(B)/obj/bindings/gstreamer/%: CFLAGS += -fPIC -fvisibility=hidden -D_POSIX_C_SOURCE=200809L $(shell pkg-config --cflags $(GST_PACKAGES) 2>/dev/null)

.PHONY: gstreamer gstreamer-plugin gstreamer-tests
gstreamer: setup
	@tests/run gstreamer

gstreamer-plugin: $(GST_PLUGIN)

$(GST_PLUGIN): $(call objects,$(GST_SOURCES)) $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -shared $(OPT) $(LDFLAGS) -o $@ $^ -Wl,--exclude-libs,ALL -Wl,-z,defs $$(pkg-config --libs $(GST_PACKAGES)) $(LDLIBS)

# The plugin's test, which has a camera of its own on the loopback.
GST_TEST_PACKAGES := gstreamer-app-1.0 gstreamer-video-1.0 gstreamer-rtsp-server-1.0
gstreamer-tests: $(B)/tests/test_gst
$(B)/tests/test_gst: tests/gstreamer/test_gst.c $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -D_POSIX_C_SOURCE=200809L $$(pkg-config --cflags $(GST_TEST_PACKAGES)) $(LDFLAGS) -MT $@ -MF $@.d -o $@ \
	    $< $(B)/libdiffy.a -lcmocka $$(pkg-config --libs $(GST_TEST_PACKAGES)) $(LDLIBS)
