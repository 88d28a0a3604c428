#include "json.h"

#include <stdlib.h>

#include "cli.h"

static int lacks_memory;

static void *noted_malloc(size_t size) {
    void *memory = malloc(size);
    lacks_memory |= !memory;
    return memory;
}

void json_begin(void) {
    lacks_memory = 0;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = noted_malloc, .free_fn = free});
}

void json_put(cJSON *parent, const char *key, cJSON *item) {
    int is_in = item && (key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item));
    if (!is_in) cJSON_Delete(item);
}

int json_print(cJSON *root) {
    char *text = lacks_memory ? NULL : cJSON_Print(root);
    cJSON_Delete(root);
    if (!text) return complain("There is no memory left to print the result.");
    puts(text);
    cJSON_free(text);
    return STATUS_GOOD;
}
