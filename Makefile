# Diffy: every way in. Each works from a clean clone, and again without repeating finished work.
#
#   make test     sets up, builds and runs every test (tests/run)
#   make cli      the native command line, build/diffy
#   make lib      build/libdiffy.a
#   make wasm     the codec as WebAssembly, build/wasm
#   make site     the site, dist/, ready for any static host
#   make serve    the site on http://localhost:8080
#   make demo     the whole way in a real browser, [CLIP=video], with a table and pictures in build/demo
#   make scene    the test-scene generator, build/scene
#   make bench    diffy beside today's encoders, on [CLIPS=folder]; needs minutes
#   make bench-splat  diffy splat on a sequence of models, [SPLATS=folder]
#   make fuzz     the fuzz targets, [FUZZ_SECONDS=60] each
#   make lint     formatting and static checks of C and JavaScript
#   make format   lays out the C sources as `make lint` wants them
#   make setup    installs what is missing (Debian packages, npm packages)
#   make clean    removes build/ and dist/
#
# A build flavour is a folder of its own: build (plain), build/san (sanitizers), build/fuzz (libFuzzer).

# Where set-up puts a Node.js when the system's is too old.
export PATH := $(CURDIR)/build/node/node_modules/.bin:$(PATH)

CC      ?= gcc
B       := build
OPT     ?= -O3 -g
WERROR  ?= -Werror
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla $(WERROR)
# Kernels and block syntax narrow on purpose in every line; elsewhere a silent narrowing is a bug.
NARROW  := -Wconversion -Wno-sign-conversion
CFLAGS  += -std=c11 $(OPT) $(WARN) -Isrc -Itools -MMD -MP
# The command line is POSIX; the library is plain C11.
$(B)/obj/tools/%: CFLAGS += -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64
LDLIBS  := -ljpeg -lz -lcjson -lzstd -lm -lpthread
CLI_LDLIBS := -lzip -lpng -ldl
NARROW_ROOMS := src/api.c src/base/% src/container/% src/analysis/% src/v1/% src/splat/% tools/%
JOBS    := $(shell nproc 2>/dev/null || echo 2)
# Passed on to a make inside a recipe, unless the caller already chose how many jobs run.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

Q       := $(if $(V),,@)

LIB_SOURCES   := $(filter-out %_sse41.c %_avx2.c,$(wildcard src/*.c src/*/*.c src/*/*/*.c))
SSE_SOURCES   := $(wildcard src/dsp/*_sse41.c)
AVX2_SOURCES  := $(wildcard src/dsp/*_avx2.c)
CLI_SOURCES   := $(wildcard tools/diffy/*.c)
SCENE_SOURCES := $(wildcard tools/scene/*.c)
TEST_SOURCES  := $(wildcard tests/unit/test_*.c tests/conformance/test_*.c)
FUZZ_SOURCES  := $(wildcard tests/fuzz/fuzz_*.c)
C_FILES       := $(wildcard src/*.[ch] src/*/*.[ch] src/*/*/*.[ch] tools/*/*.[ch] tests/*/*.[ch] wasm/*.[ch])

# An object has its name only once it is whole: a make that is killed leaves nothing behind that the next takes for done.
WHOLE = -MT $@ -MF $(@:.o=.d) -c $< -o $@.part && mv $@.part $@
.DELETE_ON_ERROR:

# One short line a file; `make V=1` shows whole commands.
say = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %s  %s\n' '$(1)' '$@')
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJECTS := $(call objects,$(LIB_SOURCES) $(SSE_SOURCES) $(AVX2_SOURCES))
# The scene without its command line: what C tests link.
SCENE_OBJECTS := $(call objects,$(filter-out %/main.c,$(SCENE_SOURCES)))
TESTS := $(patsubst %.c,$(B)/tests/%,$(notdir $(TEST_SOURCES)))
FUZZERS := $(patsubst %.c,$(B)/%,$(notdir $(FUZZ_SOURCES)))

.PHONY: lib cli scene tests fuzzers san-tests fuzz-targets test fuzz bench bench-splat lint format setup clean

cli: $(B)/diffy
lib: $(B)/libdiffy.a
scene: $(B)/scene
tests: $(TESTS)
fuzzers: $(FUZZERS)

$(B)/libdiffy.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(B)/libscene.a: $(SCENE_OBJECTS)
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(B)/obj/%_sse41.o: %_sse41.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -msse4.1 $(WHOLE)

$(B)/obj/%_avx2.o: %_avx2.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -mavx2 $(WHOLE)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(if $(filter $(NARROW_ROOMS),$<),$(NARROW)) $(WHOLE)

$(B)/diffy: $(call objects,$(CLI_SOURCES)) $(B)/libdiffy.a
	$(call say,LD)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(CLI_LDLIBS) $(LDLIBS)

# What the scene's command line shares with diffy's.
SHARED_CLI := $(call objects,$(addprefix tools/diffy/,messages.c options.c files.c progress.c pictures.c y4m_write.c))

$(B)/scene: $(call objects,tools/scene/main.c) $(SHARED_CLI) $(B)/libscene.a $(B)/libdiffy.a
	$(call say,LD)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LDLIBS)

vpath test_%.c tests/unit tests/conformance
vpath fuzz_%.c tests/fuzz

$(B)/tests/test_%: test_%.c $(B)/libscene.a $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -MT $@ -MF $@.d -o $@ $< $(B)/libscene.a $(B)/libdiffy.a -lcmocka $(LDLIBS)

$(B)/fuzz_%: fuzz_%.c $(B)/libscene.a $(B)/libdiffy.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -MT $@ -MF $@.d -o $@ $< $(B)/libscene.a $(B)/libdiffy.a $(LDLIBS)

# ---------------------------------------------------------------- flavours

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_MAKE  = $(MAKE) B=build/san OPT='-O2 -g $(SANITIZE)' WERROR=
FUZZ_MAKE = $(MAKE) B=build/fuzz CC=clang OPT='-O1 -g -fsanitize=fuzzer-no-link $(SANITIZE)' WERROR=

san-tests:
	+@$(SAN_MAKE) tests cli

fuzz-targets:
	+@$(FUZZ_MAKE) fuzzers

# ---------------------------------------------------------------- ways in

setup:
	@tools/setup.sh

test: setup
	@tests/run

FUZZ_SECONDS ?= 60
fuzz: setup
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

bench: setup
	@tools/setup.sh --bench
	+@$(MAKE) -s $(PARALLEL) cli scene
	@tools/bench/bench $(if $(CLIPS),--clips "$(CLIPS)") $(BENCH)

bench-splat: setup
	+@$(MAKE) -s $(PARALLEL) cli
	@tools/bench/splat.py $(SPLATS)

lint: setup
	@clang-format --dry-run -Werror $(C_FILES)
	@if [ -f package.json ]; then npm run -s lint; fi

format:
	@clang-format -i $(C_FILES)

clean:
	rm -rf build dist

-include $(shell find $(B)/obj $(B)/tests $(B)/fuzz_*.d -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------- WebAssembly and the site

include wasm/wasm.mk

# ---------------------------------------------------------------- goals together

# These call make again, once set-up has brought the tools: given together with other goals (`make -j2 wasm site`) they come
# after those and one after another, since two makes at once would write the same files.
CALLING := site npm calc-table demo bench bench-splat test
GOALS   := $(sort $(MAKECMDGOALS) $(if $(filter serve,$(MAKECMDGOALS)),site))
BEFORE  := $(filter-out $(CALLING) serve,$(GOALS))
$(foreach goal,$(filter $(CALLING),$(GOALS)),$(eval $(goal): | $(BEFORE))$(eval BEFORE += $(goal)))
