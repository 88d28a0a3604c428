/* What every build for JavaScript has: the way to the owner's callbacks, memory, results. */
#include "host.h"

#include <stdlib.h>

#include "diffy/diffy.h"

EM_JS(int, js_write, (int id, const uint8_t *data, size_t size_bytes),
      { return Module["callbacks"].write(id, data >>> 0, size_bytes >>> 0); });
EM_JS(int, js_read, (int id, double offset, uint8_t *data, size_t size_bytes),
      { return Module["callbacks"].read(id, offset, data >>> 0, size_bytes >>> 0); });
int web_host_write(int id, const uint8_t *data, size_t size_bytes) {
    return js_write(id, data, size_bytes);
}
int web_host_read(int id, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return js_read(id, (double)offset, data, size_bytes);
}

static double result[32];

EXPORT double *web_result(void) {
    return result;
}
EXPORT void *web_malloc(size_t size_bytes) {
    return malloc(size_bytes);
}
EXPORT void web_free(void *memory) {
    free(memory);
}
EXPORT const char *web_strstatus(int status) {
    return dfy_strstatus(status);
}
