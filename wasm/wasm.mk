# The WebAssembly builds of libdiffy, for the site and the npm package:
#   build/wasm/diffy.js + diffy.wasm                   one thread
#   build/wasm/threads/diffy.js + diffy.wasm ...       threads, for pages that are cross-origin isolated
# Objects are built one by one, so that make rebuilds only what changed.

EMCC     := NODE_PATH=$${NODE_PATH:-/usr/share/nodejs} emcc
EMAR     := emar
W        := $(B)/wasm
# SSE4.1 as Emscripten translates it, and what is written for WebAssembly alone.
WASM_SRC := $(LIB_SOURCES) $(wildcard src/dsp/x86/*_sse41.c src/dsp/wasm/*.c) $(filter-out wasm/splat_pla% wasm/splat_pack.c,$(wildcard wasm/*.c))
# Splats are coded on one thread: the build with threads leaves them out.
WASM_THREADS_SRC := $(filter-out src/splat/% wasm/splat_%,$(WASM_SRC))
WASM_OPT := -O3 -msimd128 -msse4.1
# The stack holds whole superblocks; 1 MB is Emscripten's own measure as well.
WASM_LINK := --no-entry -sMODULARIZE -sEXPORT_ES6 -sALLOW_MEMORY_GROWTH \
	-sMAXIMUM_MEMORY=2GB -sTOTAL_STACK=1MB -sFILESYSTEM=0 -sDYNAMIC_EXECUTION=0 -sEXPORTED_RUNTIME_METHODS=[] \
	-sINCOMING_MODULE_JS_API=wasmBinary,wasmMemory,instantiateWasm,locateFile,mainScriptUrlOrBlob,printErr,onAbort

.PHONY: wasm wasm-threads
wasm: $(W)/diffy.js
wasm-threads: $(W)/threads/diffy.js

$(W)/third/stamp: wasm/third_party.sh
	wasm/third_party.sh && touch $@

$(W)/third-threads/stamp: wasm/third_party.sh $(W)/third/stamp
	wasm/third_party.sh --threads && touch $@

$(W)/third-splat/stamp: wasm/third_party_splat.sh $(W)/third/stamp
	wasm/third_party_splat.sh && touch $@

# Files of splat models need zstd and WebP.
$(W)/obj/src/splat/%: WASM_DEFINES := -DDFY_WITH_ZSTD -DDFY_WITH_WEBP -I$(W)/third-splat/include
$(patsubst %.c,$(W)/obj/%.o,$(filter src/splat/%,$(WASM_SRC))): $(W)/third-splat/stamp

$(W)/obj/%.o: %.c $(W)/third/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) $(WASM_DEFINES) -Iinclude -Isrc -I$(W)/third/include -MMD -MP $(WHOLE)

$(W)/obj-threads/%.o: %.c $(W)/third-threads/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) -pthread $(WARN) -Iinclude -Isrc -I$(W)/third-threads/include -MMD -MP $(WHOLE)

$(W)/diffy.js: $(WASM_SRC:%.c=$(W)/obj/%.o) wasm/wasm.mk
	$(EMCC) $(WASM_OPT) $(WASM_LINK) -sENVIRONMENT=web,worker $(filter %.o,$^) -L$(W)/third/lib -ljpeg -lz -lcjson \
		-L$(W)/third-splat/lib -lzstd -lwebp -o $@

$(W)/threads/diffy.js: $(WASM_THREADS_SRC:%.c=$(W)/obj-threads/%.o) wasm/wasm.mk
	@mkdir -p $(@D)
	$(EMCC) $(WASM_OPT) -pthread $(WASM_LINK) -sENVIRONMENT=web,worker -sINITIAL_MEMORY=64MB \
		'-sPTHREAD_POOL_SIZE=Module.threads' $(filter %.o,$^) \
		-L$(W)/third-threads/lib -ljpeg -lz -lcjson -o $@

# A decoder alone, for players: what the linker does not reach from its exports stays out.
$(W)/player/exports.o: wasm/exports.c $(W)/third/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -DDECODER_ONLY -Iinclude -Isrc -I$(W)/third/include -MMD -MP $(WHOLE)

# What takes no part of the time is compiled for size there: the page that plays itself carries it.
SMALL := src/v1/% src/container/% src/api/% src/base/% src/analysis/% src/video/decode/reader% src/video/decode/player% \
	src/video/decode/ahead.c src/video/decode/run.c src/video/decode/times.c \
	src/dsp/c/transform.c src/dsp/c/blocks.c src/dsp/c/rgb_blocks.c $(patsubst %,src/video/syntax/%.c,episode_list departure_list \
	cycle_list orientation_list clones stream mini_group mini_group_record lossless global_motion contexts tiles)

$(W)/obj-small/%.o: %.c $(W)/third/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) -Os $(WARN) -Iinclude -Isrc -I$(W)/third/include -MMD -MP $(WHOLE)

$(W)/player/libdiffy.a: $(patsubst %.c,$(W)/obj/%.o,$(filter-out wasm/% $(SMALL),$(WASM_SRC))) $(patsubst %.c,$(W)/obj-small/%.o,$(filter $(SMALL),$(WASM_SRC)))
	@mkdir -p $(@D)
	@rm -f $@
	$(EMAR) rcs $@ $^

$(W)/player/diffy.js: $(W)/player/exports.o $(W)/obj/wasm/host.o $(W)/player/libdiffy.a wasm/wasm.mk
	$(EMCC) $(WASM_OPT) $(WASM_LINK) -sENVIRONMENT=web,worker $(filter %.o %.a,$^) -L$(W)/third/lib -ljpeg -lz -lcjson -o $@

# A decoder of splats alone, for players of sequences: its parts' tables name no encoder.
SPLATS_SRC := wasm/splat_player.c wasm/splat_pack.c wasm/host.c $(filter src/splat/% src/base/% src/entropy/% src/container/%,$(LIB_SOURCES))

# Fast where the time goes, else small.
$(W)/splats/%.o: SPLATS_OPT := -Os
$(patsubst %.c,$(W)/splats/%.o,$(filter src/splat/tree/% src/splat/quant/turn.c src/entropy/% wasm/splat_pack.c,$(SPLATS_SRC))): SPLATS_OPT := -O2
$(patsubst %,$(W)/splats/src/splat/tree/%.o,inter places decode part_tree key column_past state grid): SPLATS_OPT := -Os
$(patsubst %,$(W)/splats/src/splat/tree/%.o,values columns column_numbers): SPLATS_OPT := -O2 -fno-unroll-loops
$(W)/splats/%.o: %.c $(W)/third-splat/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(SPLATS_OPT) -msimd128 -msse4.1 $(WARN) -DDFY_SPLAT_DECODER_ONLY -DDFY_WITH_ZSTD -I$(W)/third-splat/include -Iinclude -Isrc \
		-I$(W)/third/include -MMD -MP $(WHOLE)

$(W)/splats/libsplats.a: $(patsubst %.c,$(W)/splats/%.o,$(filter src/%,$(SPLATS_SRC)))
	@rm -f $@
	$(EMAR) rcs $@ $^

$(W)/splats/diffy.js: $(patsubst %.c,$(W)/splats/%.o,$(filter wasm/%,$(SPLATS_SRC))) $(W)/splats/libsplats.a wasm/wasm.mk
	$(EMCC) -Os -msimd128 $(WASM_LINK) -sENVIRONMENT=web,worker $(filter %.o %.a,$^) -L$(W)/third/lib -lz \
		-L$(W)/third-splat/lib -lzstd-small -o $@

# Videos that browsers can't read, by FFmpeg and the command line's own readers: build/wasm/media. The site takes it along
# where it was built; building FFmpeg takes some minutes, so nothing else asks for it.
MEDIA_SRC := $(wildcard wasm/media/*.c) $(addprefix tools/diffy/,source_video.c frames.c libav_input.c sound_queue.c \
	scaler.c pictures.c meaning_colour.c meaning_hdr.c meaning_shape.c meaning_time.c image_libav.c png_chunks.c)

.PHONY: media
media: $(W)/media/media.js

$(W)/ffmpeg/stamp: wasm/ffmpeg.sh $(W)/third/stamp
	wasm/ffmpeg.sh && touch $@

$(W)/obj-media/%.o: %.c $(W)/ffmpeg/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -Iinclude -Isrc -Itools -Iwasm/media -I$(W)/ffmpeg/include -MMD -MP $(WHOLE)

$(W)/media/media.js: $(MEDIA_SRC:%.c=$(W)/obj-media/%.o) $(patsubst %.c,$(W)/obj/%.o,$(filter src/dsp/% src/base/% src/api/picture.c,$(WASM_SRC))) wasm/wasm.mk
	@mkdir -p $(@D)
	$(EMCC) $(WASM_OPT) $(WASM_LINK) -sENVIRONMENT=web,worker $(filter %.o,$^) -L$(W)/ffmpeg/lib -lavformat -lavcodec -lswscale -lavutil \
		-L$(W)/third/lib -lz -o $@
	cp $(W)/sources/ffmpeg-*/COPYING.LGPLv2.1 $(W)/media/LICENSE.txt

# The kernels' test, for Node.js.
$(W)/test_kernels.wasm: tests/kernels/test_video_kernels.c tests/bare/cmocka.h $(patsubst %.c,$(W)/obj/%.o,$(filter src/dsp/% src/base/%,$(WASM_SRC)))
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -Iinclude -Isrc -Itests/bare -sSTANDALONE_WASM -sTOTAL_STACK=1MB $(filter %.c %.o,$^) -o $@

# What the vectors decode to, for Node.js.
$(W)/pictures.js: tests/vectors/pictures.c $(W)/player/libdiffy.a
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -Iinclude -Isrc -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=web -sEXIT_RUNTIME -sTOTAL_STACK=1MB -sALLOW_MEMORY_GROWTH $(filter %.c %.a,$^) \
		-L$(W)/third/lib -ljpeg -lz -lcjson -L$(W)/third-splat/lib -lzstd -lwebp -o $@

-include $(W)/player/exports.d $(patsubst %.c,$(W)/obj-small/%.d,$(filter $(SMALL),$(WASM_SRC))) $(SPLATS_SRC:%.c=$(W)/splats/%.d) $(MEDIA_SRC:%.c=$(W)/obj-media/%.d) $(WASM_SRC:%.c=$(W)/obj/%.d) $(WASM_THREADS_SRC:%.c=$(W)/obj-threads/%.d)

# ---------------------------------------------------------------- the site

SITE_SOURCES := $(shell find web -type f 2>/dev/null) $(wildcard wasm/*.js) vite.config.js package-lock.json

.PHONY: site npm player serve demo calc-table
# The page that plays the video inside it, without one: build/player/page.html. The stamp stands for it, so that the command line,
# which takes it in, never builds it.
player: setup
	+@$(MAKE) -s $(PARALLEL) $(B)/player/stamp

$(B)/player/stamp: $(wildcard web/saved/* web/player/* web/shared/*.js wasm/*.js) $(W)/player/diffy.js package-lock.json
	@node web/saved/build.js && touch $@

site: setup
	+@$(MAKE) -s $(PARALLEL) dist/index.html

dist/index.html: $(SITE_SOURCES) $(W)/diffy.js $(W)/splats/diffy.js $(W)/threads/diffy.js $(B)/player/stamp
	npx vite build --logLevel warn

# The npm package: plain modules that a page can import from any static server, Mediabunny included as a chunk.
npm: setup
	+@$(MAKE) -s $(PARALLEL) $(B)/npm/diffy.js

$(B)/npm/diffy.js: $(wildcard wasm/*.js web/player/*.js web/splats/*.js web/shared/*.js) wasm/player.d.ts wasm/example.html tsconfig.json wasm/tsconfig.json package-lock.json $(W)/diffy.js $(W)/player/diffy.js $(W)/splats/diffy.js
	@rm -rf $(B)/npm
	npx rolldown -c wasm/rolldown.config.js --logLevel warn
	cp $(W)/diffy.wasm $(B)/npm/
	cp $(W)/player/diffy.wasm $(B)/npm/player/
	cp $(W)/splats/diffy.wasm $(B)/npm/splats/
	npx tsc -p wasm/tsconfig.json
	cp wasm/player.d.ts wasm/example.html $(B)/npm/player/

serve: site
	@node web/serve.js dist $(or $(PORT),8080)

# The table behind the calc page; takes some minutes.
calc-table: setup
	+@$(MAKE) -s $(PARALLEL) cli scene
	@node web/calc/measure.js

demo: setup
	+@$(MAKE) -s $(PARALLEL) cli scene dist/index.html
	@node tests/browser/demo.js "$(CLIP)"
