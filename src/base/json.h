/* Whether text is what RFC 8259 calls JSON: for metadata, which is kept and given back as it is. */
#ifndef DFY_BASE_JSON_H
#define DFY_BASE_JSON_H

#include <stddef.h>

#define DFY_JSON_DEPTH 64 /* objects and arrays in one another */

/* Whether the bytes are one JSON object and nothing else but white space, in valid UTF-8. */
int dfy_is_json_object(const char *text, size_t size_bytes);

#endif
