/* JSON on stdout. cJSON goes on silently without what it has no memory for; here that is found out. */
#ifndef DIFFY_JSON_H
#define DIFFY_JSON_H

#include <cjson/cJSON.h>

/* Before anything is built for json_print. */
void json_begin(void);

/* Puts an item into an object, or with key NULL into an array; it is freed where that can't be done. */
void json_put(cJSON *parent, const char *key, cJSON *item);

/* Prints what was built and frees it; a failure when there was no memory for some of it. */
int json_print(cJSON *root);

#endif
