/* Building JSON: cJSON goes on silently without what it has no memory for; here a flag tells, and nothing is leaked. */
#ifndef DFY_SPLAT_JSON_OUT_H
#define DFY_SPLAT_JSON_OUT_H

#include <cjson/cJSON.h>

/* Puts item into an object, or with key NULL into an array, and returns it; NULL and *failed where it can't. */
static inline cJSON *dfy_json_put(int *failed, cJSON *parent, const char *key, cJSON *item) {
    int is_in = item && (key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item));
    if (is_in) return item;
    *failed = 1;
    cJSON_Delete(item);
    return NULL;
}

#endif
