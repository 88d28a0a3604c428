# The WebAssembly builds of libdiffy, for the site and the npm package:
#   build/wasm/diffy.js + diffy.wasm                   one thread
#   build/wasm/threads/diffy.js + diffy.wasm ...       threads, for pages that are cross-origin isolated
# Objects are built one by one, so that make rebuilds only what changed.

EMCC     := NODE_PATH=$${NODE_PATH:-/usr/share/nodejs} emcc
W        := $(B)/wasm
WASM_SRC := $(LIB_SOURCES) $(SSE_SOURCES) $(AVX2_SOURCES) $(wildcard wasm/*.c)
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

$(W)/obj/%.o: %.c $(W)/third/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -Isrc -I$(W)/third/include -MMD -MP $(WHOLE)

$(W)/obj-threads/%.o: %.c $(W)/third-threads/stamp
	@mkdir -p $(@D)
	$(EMCC) -std=gnu11 $(WASM_OPT) -pthread $(WARN) -Isrc -I$(W)/third-threads/include -MMD -MP $(WHOLE)

$(W)/diffy.js: $(WASM_SRC:%.c=$(W)/obj/%.o) wasm/wasm.mk
	$(EMCC) $(WASM_OPT) $(WASM_LINK) -sENVIRONMENT=web,worker $(filter %.o,$^) -L$(W)/third/lib -ljpeg -lz -lcjson -o $@

$(W)/threads/diffy.js: $(WASM_THREADS_SRC:%.c=$(W)/obj-threads/%.o) wasm/wasm.mk
	@mkdir -p $(@D)
	$(EMCC) $(WASM_OPT) -pthread $(WASM_LINK) -sENVIRONMENT=web,worker -sINITIAL_MEMORY=64MB \
		'-sPTHREAD_POOL_SIZE=Module.threads' $(filter %.o,$^) \
		-L$(W)/third-threads/lib -ljpeg -lz -lcjson -o $@

# The kernels' test, for Node.js.
$(W)/test_kernels.wasm: tests/unit/test_kernels.c tests/wasm/cmocka.h $(patsubst %.c,$(W)/obj/%.o,$(wildcard src/dsp/*.c))
	$(EMCC) -std=gnu11 $(WASM_OPT) $(WARN) -Isrc -Itests/wasm -sSTANDALONE_WASM -sTOTAL_STACK=1MB $(filter %.c %.o,$^) -o $@

-include $(WASM_SRC:%.c=$(W)/obj/%.d) $(WASM_THREADS_SRC:%.c=$(W)/obj-threads/%.d)

# ---------------------------------------------------------------- the site

SITE_SOURCES := $(shell find web -type f 2>/dev/null) $(wildcard wasm/*.js) vite.config.js package-lock.json

.PHONY: site npm serve demo calc-table
site: setup
	+@$(MAKE) -s $(PARALLEL) dist/index.html

dist/index.html: $(SITE_SOURCES) $(W)/diffy.js $(W)/threads/diffy.js
	npx vite build --logLevel warn

# The npm package: plain modules that a page can import from any static server, Mediabunny included as a chunk.
npm: setup
	+@$(MAKE) -s $(PARALLEL) $(B)/npm/diffy.js

$(B)/npm/diffy.js: $(wildcard wasm/*.js) wasm/rolldown.config.js tsconfig.json package-lock.json $(W)/diffy.js
	@rm -rf $(B)/npm
	npx rolldown -c wasm/rolldown.config.js --logLevel warn
	cp $(W)/diffy.wasm $(B)/npm/
	npx tsc -p wasm/tsconfig.json

serve: site
	@node web/serve.js dist $(or $(PORT),8080)

# The table behind the calc page; takes some minutes.
calc-table: setup
	+@$(MAKE) -s $(PARALLEL) cli scene
	@node web/calc/measure.js

demo: setup
	+@$(MAKE) -s $(PARALLEL) cli scene dist/index.html
	@node tests/browser/demo.js "$(CLIP)"
