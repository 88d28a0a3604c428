# Diffy: every way in. Each works from a clean clone, and again without repeating finished work.
#
#   make test     sets up, builds and runs every test (tests/run)
#   make check    the quick tests, formatting and static checks: two minutes
#   make cli      the native command line, build/diffy
#   make lib      build/libdiffy.a and libdiffy.so
#   make wasm     the codec as WebAssembly, build/wasm
#   make site     the site, dist/, ready for any static host
#   make player   the page that plays the video inside it, for `diffy decode X.dfy Y.html`; then `make cli`
#   make serve    the site on http://localhost:8080
#   make demo     the whole way in a real browser, [CLIP=video], with a table and pictures in build/demo
#   make scene    the test-scene generator, build/scene
#   make kernels  a table of every kernel's time beside the reference in C
#   make python   the Python package, build/python/dist, and its tests
#   make gstreamer  the GStreamer plugin, build/gstreamer, and its tests
#   make bench    diffy beside today's encoders, on [CLIPS=folder]; needs minutes
#   make shift    hours of work at 1080p, rendered and encoded in one go, [HOURS=8]: bytes, quality, speed, memory, a plot
#   make bench-access  reading single frames, beside AV1 and H.264 with frequent key frames, [ACCESS=options]
#   make bench-splat  diffy splat on a sequence of models, [SPLATS=folder]
#   make vectors  the test vectors anew (tests/vectors), which from format 1.0 on stay as they are
#   make fuzz     the fuzz targets, [FUZZ_SECONDS=60] each
#   make lint     formatting and static checks of C and JavaScript
#   make licences NOTICE, anew: whose work ships with Diffy
#   make audit    asks for known vulnerabilities of the npm packages that ship
#   make format   lays out the C sources as `make lint` wants them
#   make setup    installs what is missing (Debian packages, npm packages)
#   make install  the command line, its manual page and completions, headers and libraries, into [PREFIX=/usr/local], below [DESTDIR=]
#   make uninstall  takes away what `make install` with the same PREFIX and DESTDIR put there
#   make release  source, Debian packages, npm package, wheel and site with SHA256SUMS, build/release
#   make docs     API pages from the headers and from JSDoc, build/docs
#   make bench-record  appends bytes, quality and speed of a few scenes to docs/bench-history.csv
#   make clean    removes build/ and dist/
#
# A build flavour is a folder of its own: build (plain), build/san (sanitizers), build/tsan (ThreadSanitizer), build/fuzz
# (libFuzzer), build/arm64 (cross-compiled), build/uchar (char is unsigned).

# Where set-up puts a Node.js when the system's is too old.
export PATH := $(CURDIR)/build/node/node_modules/.bin:$(PATH)

CC      ?= gcc
B       := build
OPT     ?= -O3 -g
WERROR  ?= -Werror
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla $(WERROR)
# Kernels and block syntax narrow on purpose in every line; elsewhere a silent narrowing is a bug.
NARROW  := -Wconversion -Wno-sign-conversion
MACHINE := $(shell $(CC) -dumpmachine)
# What an error in memory meets: canaries on the stack, checked copies, tables of functions that can't be written once the
# program has begun, and on x86 marked targets of jumps. HARDEN= builds without; sanitizers look closer and go without too.
HARDEN  := $(if $(findstring -fsanitize,$(OPT)),,-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	$(if $(filter x86_64-% i686-%,$(MACHINE)),-fcf-protection=full))
LDFLAGS += $(if $(HARDEN),-Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now$(comma)-z$(comma)noexecstack)
comma   := ,
# Products and sums are rounded one by one: fused, they would give other pictures of version 1 on machines that fuse them.
CFLAGS  += -std=c11 $(OPT) $(HARDEN) $(WARN) -ffp-contract=off -Iinclude -Isrc -Itools -MMD -MP
# Only what the headers mark with DFY_API is seen from outside; the same objects make both libraries.
LIB_FLAGS := -fPIC -fvisibility=hidden
$(B)/obj/src/%: CFLAGS += $(LIB_FLAGS)
# The command line is POSIX; the library is plain C11.
$(B)/obj/tools/%: CFLAGS += -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64
LDLIBS  := -ljpeg -lz -lcjson -lzstd -lwebp -lm -lpthread
CLI_LDLIBS := -lzip -lpng -lwebpdemux -llcms2 -ldl
NARROW_ROOMS := src/api/% src/base/% src/container/% src/analysis/% src/v1/% src/splat/% tools/%
JOBS    := $(shell nproc 2>/dev/null || echo 2)
# Passed on to a make inside a recipe, unless the caller already chose how many jobs run.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

Q       := $(if $(V),,@)

# V1=0 leaves version 1 of the file format out, and zlib, libjpeg and cJSON with it where nothing else of theirs is used.
V1      ?= 1
ifeq ($(V1),0)
CFLAGS   += -DDFY_V1=0
LEFT_OUT := src/v1/% src/container/chunks_v1.c src/container/inflate.c
endif

# What every machine is built of, and the kernels of the one that CC compiles for.
LIB_SOURCES   := $(filter-out $(LEFT_OUT) src/dsp/x86/% src/dsp/arm/% src/dsp/wasm/%,$(wildcard src/*/*.c src/*/*/*.c src/*/*/*/*.c)) \
	$(if $(filter -DDFY_TRAIN,$(OPT)),tools/train/note.c)
DSP_SOURCES   := $(if $(filter x86_64-% i386-% i586-% i686-%,$(MACHINE)),$(wildcard src/dsp/x86/*.c)) \
	$(if $(filter aarch64-% arm64-%,$(MACHINE)),$(wildcard src/dsp/arm/*.c))
CLI_SOURCES   := $(wildcard tools/diffy/*.c)
# Nothing in the scene asks for errno or traps: square roots become one instruction, the values stay the same.
$(B)/obj/tools/scene/%: CFLAGS += -fno-math-errno -fno-trapping-math
SCENE_SOURCES := $(filter-out $(if $(filter x86_64-%,$(MACHINE)),,%_avx2.c),$(wildcard tools/scene/*.c))
TEST_SOURCES  := $(wildcard tests/unit/test_*.c tests/kernels/test_*.c tests/conformance/test_*.c)
FUZZ_SOURCES  := $(wildcard tests/fuzz/fuzz_*.c)
C_FILES       := $(wildcard include/*/*.h src/*/*.[ch] src/*/*/*.[ch] src/*/*/*/*.[ch] tools/*/*.[ch] tests/*/*.[ch] wasm/*.[ch] bindings/*/native/*.[ch] bindings/gstreamer/*.[ch])

# An object has its name only once it is whole: a make that is killed leaves nothing behind that the next takes for done.
WHOLE = -MT $@ -MF $(@:.o=.d) -c $< -o $@.part && mv $@.part $@
.DELETE_ON_ERROR:

# One short line a file; `make V=1` shows whole commands.
say = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %s  %s\n' '$(1)' '$@')
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJECTS := $(call objects,$(LIB_SOURCES) $(DSP_SOURCES))
# The scene without its command line: what C tests link.
SCENE_OBJECTS := $(call objects,$(filter-out %/main.c,$(SCENE_SOURCES)))
TESTS := $(patsubst %.c,$(B)/tests/%,$(notdir $(TEST_SOURCES)))
FUZZERS := $(patsubst %.c,$(B)/%,$(notdir $(FUZZ_SOURCES)))

.PHONY: lib cli scene tests fuzzers fault-san san-tests tsan-tests arm64 fuzz-targets test check fuzz bench shift bench-splat bench-access kernels lint licences audit format setup install uninstall clean

cli: $(B)/diffy
lib: $(B)/libdiffy.a $(B)/libdiffy.so
scene: $(B)/scene
tests: $(TESTS)
fuzzers: $(FUZZERS)

$(B)/libdiffy.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# Programs ask for the library by its soname, which changes when they must be built anew.
VERSION := $(shell sed -n 's/^\#define DFY_VERSION "\(.*\)"/\1/p' include/diffy/version.h)
SONAME  := libdiffy.so.$(firstword $(subst ., ,$(VERSION)))

$(B)/libdiffy.so: $(LIB_OBJECTS)
	$(call say,LD)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -o $@ $^ $(LDLIBS)
	$(Q)ln -sf libdiffy.so $(B)/$(SONAME)

$(B)/libscene.a: $(SCENE_OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# Changes when the flags do: then everything is compiled anew. Those of single rooms are left out, for this file would have the flags
# of whichever object asks for it first.
COMMON_FLAGS := $(MACHINE) $(CFLAGS) $(LIB_FLAGS) $(NARROW)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMON_FLAGS)' | cmp -s - $@ || echo '$(COMMON_FLAGS)' >$@
FORCE:

$(B)/obj/%_sse41.o: %_sse41.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -msse4.1 $(WHOLE)

$(B)/obj/%_avx2.o: %_avx2.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -mavx2 $(WHOLE)

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(if $(filter $(NARROW_ROOMS),$<),$(NARROW)) $(WHOLE)

# The page of `diffy decode X.dfy Y.html`, when it has been built (`make player` or the site): a later make takes it in.
PLAYER_PAGE := $(wildcard build/player/page.html)
$(B)/obj/player_page.c: tools/embed.sh $(PLAYER_PAGE)
	@mkdir -p $(@D)
	$(Q)tools/embed.sh player_page $(PLAYER_PAGE) >$@.part && mv $@.part $@

$(B)/obj/player_page.o: $(B)/obj/player_page.c
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(WHOLE)

$(B)/diffy: $(call objects,$(CLI_SOURCES)) $(B)/obj/player_page.o $(B)/libdiffy.a
	$(call say,LD)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(CLI_LDLIBS) $(LDLIBS)

# What the scene's command line shares with diffy's.
SHARED_CLI := $(call objects,$(addprefix tools/diffy/,messages.c options.c files.c progress.c pictures.c y4m_write.c meaning_colour.c))

$(B)/scene: $(call objects,tools/scene/main.c) $(SHARED_CLI) $(B)/libscene.a $(B)/libdiffy.a
	$(call say,LD)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LDLIBS)

vpath test_%.c tests/unit tests/kernels tests/conformance
vpath fuzz_%.c tests/fuzz

$(B)/tests/test_%: test_%.c $(B)/libscene.a $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MT $@ -MF $@.d -o $@ $< $(B)/libscene.a $(B)/libdiffy.a -lcmocka $(LDLIBS)

LIB_FUZZING_ENGINE ?= -fsanitize=fuzzer
# Targets of the command line have all of it but its main.
CLI_WITHOUT_MAIN := $(call objects,$(filter-out %/main.c,$(CLI_SOURCES)))
$(B)/fuzz_cli_%: fuzz_cli_%.c $(CLI_WITHOUT_MAIN) $(B)/obj/player_page.o $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -D_POSIX_C_SOURCE=200809L $(LIB_FUZZING_ENGINE) $(LDFLAGS) -MT $@ -MF $@.d -o $@ $(filter %.c %.o %.a,$^) $(CLI_LDLIBS) $(LDLIBS)

$(B)/fuzz_%: fuzz_%.c $(B)/libscene.a $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LIB_FUZZING_ENGINE) $(LDFLAGS) -MT $@ -MF $@.d -o $@ $< $(B)/libscene.a $(B)/libdiffy.a $(LDLIBS)

# An encoder and a decoder of version 2 and the kernels' tests, static and of the C library alone: for machines that no library is
# installed for. The objects are those of V1=0.
DECODER_SOURCES := $(filter-out src/splat/% src/analysis/% src/video/encode/% src/api/encoder.c,$(LIB_SOURCES)) $(DSP_SOURCES) \
	src/analysis/departure_array.c

ENCODER_SOURCES := $(filter src/api/encoder.c src/analysis/% src/video/encode/%,$(LIB_SOURCES))

$(B)/bare/encode: tests/bare/encode.c $(call objects,$(filter-out src/api/decoder.c,$(DECODER_SOURCES)) $(ENCODER_SOURCES))
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -MT $@ -MF $@.d -o $@ $(filter %.c %.o,$^) -lm -lpthread

$(B)/bare/decode: tests/bare/decode.c $(call objects,$(DECODER_SOURCES))
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -MT $@ -MF $@.d -o $@ $(filter %.c %.o,$^) -lm -lpthread

# What vectors decode to: the whole library's, and video of version 2 alone for machines without libraries.
$(B)/tests/pictures: tests/vectors/pictures.c $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MT $@ -MF $@.d -o $@ $< $(B)/libdiffy.a $(LDLIBS)

$(B)/bare/pictures: tests/vectors/pictures.c $(call objects,$(DECODER_SOURCES))
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -DBARE $(LDFLAGS) -static -MT $@ -MF $@.d -o $@ $(filter %.c %.o,$^) -lm -lpthread

$(B)/cases_api: tests/cases/api.c $(B)/libdiffy.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MT $@ -MF $(B)/obj/cases_api.d -o $@ $< $(B)/libdiffy.a $(LDLIBS)

$(B)/kernel_speed: tests/kernels/speed.c $(B)/libdiffy.a
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MT $@ -MF $(B)/obj/kernel_speed.d -o $@ $< $(B)/libdiffy.a -lm -lpthread

$(B)/bare/kernel_speed: tests/kernels/speed.c $(call objects,$(filter src/dsp/% src/base/%,$(LIB_SOURCES)) $(DSP_SOURCES))
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -MT $@ -MF $@.d -o $@ $(filter %.c %.o,$^) -lm -lpthread

$(B)/bare/test_%_kernels: tests/kernels/test_%_kernels.c tests/bare/cmocka.h $(call objects,$(filter src/dsp/% src/base/%,$(LIB_SOURCES)) $(DSP_SOURCES))
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -Itests/bare $(LDFLAGS) -static -MT $@ -MF $@.d -o $@ $(filter %.c %.o,$^) -lm -lpthread

# ---------------------------------------------------------------- flavours

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_MAKE  = $(MAKE) B=build/san OPT='-O2 -g $(SANITIZE)' WERROR=
FUZZ_MAKE = $(MAKE) B=build/fuzz CC=clang OPT='-O1 -g -fsanitize=fuzzer-no-link $(SANITIZE)' WERROR=

san-tests:
	+@$(SAN_MAKE) tests cli

# The command line with sanitizers and calls that fail on demand, for tests/fault/run.sh.
FAULT_CALLS := main dlopen malloc calloc realloc posix_memalign aligned_alloc strdup fopen fopen64 open open64 mkstemp mkstemp64 mkdtemp \
	read pread pread64 fread fgets fgetc getc write pwrite pwrite64 fwrite ftruncate ftruncate64 fputs puts vfprintf printf fprintf \
	__printf_chk __fprintf_chk __read_chk __pread64_chk __fread_chk __fgets_chk __vfprintf_chk __vprintf_chk fflush fsync fdatasync \
	close fclose rename pthread_create
fault-san: tests/fault/fault.c
	+@$(SAN_MAKE) build/san/diffy
	@mkdir -p build/fault
	$(Q)$(CC) -O1 -g -w $(SANITIZE) -DFAULT_WRAP $(addprefix -Wl$(comma)--wrap=,$(FAULT_CALLS)) -o build/fault/diffy $< \
		$(patsubst build/obj/%,build/san/obj/%,$(call objects,$(CLI_SOURCES))) build/san/obj/player_page.o build/san/libdiffy.a $(CLI_LDLIBS) $(LDLIBS)

# What runs in threads, watched by ThreadSanitizer.
tsan-tests:
	+@$(MAKE) B=build/tsan OPT='-O1 -g -fsanitize=thread' WERROR= build/tsan/tests/test_threads build/tsan/tests/test_v2_ahead

# 64-bit ARM, cross-compiled; tests/conformance/arm64.sh runs it under qemu.
arm64:
	+@$(MAKE) B=build/arm64 CC='$(CCACHE) $(ARM64)gcc' AR=$(ARM64)ar V1=0 $(addprefix build/arm64/bare/,decode encode test_video_kernels)
ARM64 ?= aarch64-linux-gnu-

# Decoders for tests/conformance/vectors.sh: of 32 bits, and with the other end of a number first.
.PHONY: arm64-pictures i686-pictures s390x-pictures san-pictures vectors
arm64-pictures:
	+@$(MAKE) B=build/arm64 CC='$(CCACHE) $(ARM64)gcc' AR=$(ARM64)ar V1=0 build/arm64/bare/pictures
i686-pictures:
	+@$(MAKE) B=build/i686 OPT='-O2 -msse2 -mfpmath=sse' CC='$(CCACHE) i686-linux-gnu-gcc' AR=i686-linux-gnu-ar V1=0 build/i686/bare/pictures
s390x-pictures:
	+@$(MAKE) B=build/s390x OPT=-O1 CC='$(CCACHE) s390x-linux-gnu-gcc' AR=s390x-linux-gnu-ar V1=0 build/s390x/bare/pictures
san-pictures:
	+@$(SAN_MAKE) build/san/tests/pictures

# The vectors anew, and what they decode to. From version 1.0 of the format on they stay as they are.
vectors: setup
	+@$(MAKE) -s $(PARALLEL) cli scene $(B)/tests/pictures
	@tests/vectors/make.sh

fuzz-targets:
	+@$(FUZZ_MAKE) fuzzers

# ---------------------------------------------------------------- installing

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
AT       = $(DESTDIR)$(PREFIX)
LIB_AT   = $(DESTDIR)$(LIBDIR)

# What the command line says of itself, as a manual page and for shells.
MANUALS := $(addprefix $(B)/manual/,diffy.1 diffy.bash _diffy)
$(B)/manual/diffy.1:    KIND := man
$(B)/manual/diffy.bash: KIND := bash
$(B)/manual/_diffy:     KIND := zsh
$(MANUALS): $(B)/diffy tools/manual.sh
	@mkdir -p $(@D)
	$(call say,MAN)
	$(Q)tools/manual.sh $(KIND) $(B)/diffy >$@

install: cli lib $(MANUALS)
	install -d $(AT)/bin $(LIB_AT)/pkgconfig $(AT)/include/diffy $(AT)/share/man/man1 \
		$(AT)/share/bash-completion/completions $(AT)/share/zsh/site-functions
	install -m 644 $(B)/manual/diffy.1 $(AT)/share/man/man1/
	install -m 644 $(B)/manual/diffy.bash $(AT)/share/bash-completion/completions/diffy
	install -m 644 $(B)/manual/_diffy $(AT)/share/zsh/site-functions/
	install -m 755 $(B)/diffy $(AT)/bin/
	install -m 644 include/diffy/*.h $(AT)/include/diffy/
	install -m 644 $(B)/libdiffy.a $(LIB_AT)/
	install -m 755 $(B)/libdiffy.so $(LIB_AT)/libdiffy.so.$(VERSION)
	ln -sf libdiffy.so.$(VERSION) $(LIB_AT)/$(SONAME)
	ln -sf $(SONAME) $(LIB_AT)/libdiffy.so
	sed -e 's,@prefix@,$(PREFIX),; s,@libdir@,$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR)),; s,@version@,$(VERSION),; s,@libs@,$(LDLIBS),' tools/diffy.pc.in >$(LIB_AT)/pkgconfig/diffy.pc

# Of folders only Diffy's own; other people's files stay in it.
uninstall:
	rm -f $(AT)/bin/diffy $(AT)/share/man/man1/diffy.1 $(AT)/share/bash-completion/completions/diffy \
		$(AT)/share/zsh/site-functions/_diffy $(patsubst include/%,$(AT)/include/%,$(wildcard include/diffy/*.h)) \
		$(LIB_AT)/libdiffy.a $(LIB_AT)/libdiffy.so $(LIB_AT)/$(SONAME) $(LIB_AT)/libdiffy.so.$(VERSION) $(LIB_AT)/pkgconfig/diffy.pc
	@rmdir $(AT)/include/diffy 2>/dev/null || true

# Everything that people install, in build/release; tests/release/run.sh uses it.
.PHONY: release docs bench-record
release: setup
	@tools/release.sh --check
	@tools/setup.sh --release
	+@$(MAKE) -s $(PARALLEL) site
	+@$(MAKE) -s $(PARALLEL) npm
	+@$(MAKE) -s $(PARALLEL) cli lib python-package
	@tools/release.sh

# API pages of the C headers and of the JavaScript package, in build/docs.
docs: setup
	@tools/setup.sh --release
	@mkdir -p $(B)/docs
	@PROJECT_NUMBER=$(VERSION) doxygen docs/Doxyfile
	@npx --yes --package typedoc@0.28.14 --package typescript@5.9.3 typedoc --logLevel Error --options docs/typedoc.json

# Appends today's figures of one small bench, with the commit, to docs/bench-history.csv.
bench-record: setup
	+@$(MAKE) -s $(PARALLEL) cli scene
	@tools/bench/record.py

# ---------------------------------------------------------------- ways in

setup:
	@tools/setup.sh

test: setup
	@tests/run

check: setup
	@tests/run check

FUZZ_SECONDS ?= 60
fuzz: setup
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

bench: setup
	@tools/setup.sh --bench
	+@$(MAKE) -s $(PARALLEL) cli scene
	@tools/bench/bench $(if $(CLIPS),--clips "$(CLIPS)") $(BENCH)

HOURS ?= 8
shift: setup
	+@$(MAKE) -s $(PARALLEL) cli scene
	@tools/bench/shift.py --hours $(HOURS) $(SHIFT)

bench-access: setup
	@tools/setup.sh --bench
	+@$(MAKE) -s $(PARALLEL) cli scene
	+@$(MAKE) -s python-package
	@tools/bench/access.py $(ACCESS)

bench-splat: setup
	+@$(MAKE) -s $(PARALLEL) cli
	@tools/bench/splat.py $(SPLATS)

kernels: setup
	+@$(MAKE) -s $(PARALLEL) $(B)/kernel_speed
	@$(B)/kernel_speed

lint: setup
	@clang-format --dry-run -Werror $(C_FILES)
	@node tools/licences.js --check
	@if [ -f package.json ]; then npm run -s lint; fi

# NOTICE: whose work ships, and under which licence; `make lint` fails when it is stale.
licences: setup
	@node tools/licences.js

# Known vulnerabilities of what ships; asks the npm registry.
audit: setup
	@node tools/audit.js

format:
	@clang-format -i $(C_FILES)

clean:
	rm -rf build dist

-include $(shell find $(B)/obj $(B)/tests $(B)/fuzz_*.d -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------- WebAssembly and the site

include wasm/wasm.mk

# ---------------------------------------------------------------- Python

include bindings/python/python.mk

# ---------------------------------------------------------------- GStreamer

include bindings/gstreamer/gstreamer.mk

# ---------------------------------------------------------------- goals together

# These call make again, once set-up has brought the tools: given together with other goals (`make -j2 wasm site`) they come
# after those and one after another, since two makes at once would write the same files.
CALLING := site npm player python gstreamer vectors release docs bench-record calc-table demo bench shift bench-access bench-splat kernels check test
GOALS   := $(sort $(MAKECMDGOALS) $(if $(filter serve,$(MAKECMDGOALS)),site))
BEFORE  := $(filter-out $(CALLING) serve,$(GOALS))
$(foreach goal,$(filter $(CALLING),$(GOALS)),$(eval $(goal): | $(BEFORE))$(eval BEFORE += $(goal)))
