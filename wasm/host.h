/* The way from the codec's callbacks to the owner's in JavaScript, for every file of exports. */
#ifndef DFY_WASM_HOST_H
#define DFY_WASM_HOST_H

#include <emscripten.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT EMSCRIPTEN_KEEPALIVE

int web_host_write(int id, const uint8_t *data, size_t size_bytes);
int web_host_read(int id, uint64_t offset, uint8_t *data, size_t size_bytes);
/* What a call gives beside its status: at least 32 numbers. */
double *web_result(void);

#endif
