#include "v1/metadata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json.h"

#define LARGEST_COUNT 1e15 /* exact in a double */

/* A number that may index or count; -1 when it can't. */
static double count_of(const cJSON *item) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= LARGEST_COUNT)) return -1;
    return floor(item->valuedouble);
}

static int read_map(DfyV1Metadata *metadata, const cJSON *list) {
    int size = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || size < 1) return DFY_OK;
    metadata->map = calloc((size_t)size, sizeof *metadata->map);
    if (!metadata->map) return DFY_ERROR_MEMORY;
    metadata->has_map = 1;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        double kind = count_of(cJSON_GetArrayItem(item, 0)), index = count_of(cJSON_GetArrayItem(item, 1));
        if (kind < 0 || kind > 1 || index < 0 || index >= UINT32_MAX) continue;
        metadata->map[metadata->map_entries++] = (DfyV1MapEntry){(uint32_t)kind, (uint32_t)index};
    }
    return DFY_OK;
}

static int read_fact(DfyV1CycleFact *fact, const cJSON *item) {
    double field[5];
    const cJSON *value = cJSON_IsArray(item) ? item->child : NULL;
    for (int i = 0; i < 5; i++, value = value->next) {
        if (!cJSON_IsNumber(value)) return 0;
        field[i] = value->valuedouble;
        if (i != 3 && count_of(value) < 0) return 0;
    }
    if (field[2] >= UINT32_MAX || field[4] > 2 || !isfinite(field[3])) return 0;
    *fact = (DfyV1CycleFact){(uint64_t)field[0], (uint64_t)field[1], (uint32_t)field[2], field[3] < 0 ? -1 : field[3],
                             (DfyV1CycleKind)field[4]};
    return 1;
}

static int read_facts(DfyV1Metadata *metadata, const cJSON *list) {
    int size = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || size < 1) return DFY_OK;
    metadata->cycle = calloc((size_t)size, sizeof *metadata->cycle);
    if (!metadata->cycle) return DFY_ERROR_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (read_fact(&metadata->cycle[metadata->cycles], item)) metadata->cycles++;
    return DFY_OK;
}

static void read_camera(DfyV1Metadata *metadata, const cJSON *list) {
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 9) return;
    double matrix[9];
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return;
        matrix[i++] = item->valuedouble;
    }
    memcpy(metadata->camera_matrix, matrix, sizeof matrix);
}

int dfy_v1_metadata_read(DfyV1Metadata *metadata, const uint8_t *text, size_t size) {
    *metadata = (DfyV1Metadata){0};
    cJSON *root = cJSON_ParseWithLength((const char *)text, size);
    if (!cJSON_IsObject(root)) {
        /* cJSON does not tell whether the text or the memory was wrong. */
        int lacks_memory = !root && dfy_is_json_object((const char *)text, size);
        cJSON_Delete(root);
        return lacks_memory ? DFY_ERROR_MEMORY : DFY_ERROR_DAMAGED;
    }
    metadata->quality = count_of(cJSON_GetObjectItemCaseSensitive(root, "quality"));
    metadata->from_library = cJSON_HasObjectItem(root, "use_temporal") || cJSON_HasObjectItem(root, "use_bbox");
    const char *mode = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "mode"));
    metadata->upload = mode && !strcmp(mode, "upload");
    int status = read_map(metadata, cJSON_GetObjectItemCaseSensitive(root, "cycle_map"));
    if (!status) status = read_facts(metadata, cJSON_GetObjectItemCaseSensitive(root, "cycles"));
    read_camera(metadata, cJSON_GetObjectItemCaseSensitive(root, "camera_matrix"));
    metadata->json = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return metadata->json ? status : DFY_ERROR_MEMORY;
}

void dfy_v1_metadata_free(DfyV1Metadata *metadata) {
    free(metadata->map);
    free(metadata->cycle);
    cJSON_free(metadata->json);
    *metadata = (DfyV1Metadata){0};
}
