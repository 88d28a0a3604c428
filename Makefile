# Diffy: every way in. `make demo` and `make test` set up, build and run; the rest are the parts.
#
#   make cli      the native command line, build/diffy
#   make lib      build/libdiffy.a
#   make clean    removes build/ and dist/

CC      ?= gcc
B       := build
OPT     ?= -O3 -g
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror
# Kernels and block syntax narrow on purpose in every line; elsewhere a silent narrowing is a bug.
NARROW  := -Wconversion -Wno-sign-conversion
CFLAGS  += -std=c11 $(OPT) $(WARN) -Isrc -MMD -MP
LDLIBS  := -ljpeg -lz -lcjson -lm -lpthread
NARROW_ROOMS := src/api.c src/base/% src/container/% src/analysis/% src/v1/% src/splat/%

LIB_SOURCES := $(filter-out %_sse41.c,$(wildcard src/*.c src/*/*.c src/*/*/*.c))
SSE_SOURCES := $(wildcard src/dsp/*_sse41.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(B)/obj/%.o) $(SSE_SOURCES:%.c=$(B)/obj/%.o)

.PHONY: lib cli clean

lib: $(B)/libdiffy.a

$(B)/libdiffy.a: $(LIB_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(B)/obj/%_sse41.o: %_sse41.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -msse4.1 -c $< -o $@

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(if $(filter $(NARROW_ROOMS),$<),$(NARROW)) -c $< -o $@

clean:
	rm -rf $(B) dist

-include $(LIB_OBJECTS:.o=.d)
