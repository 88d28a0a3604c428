/* The METADATA chunk: what readers of version 1 know, and this project's own keys, which they pass over. */
#include <string.h>

#include <cjson/cJSON.h>

#include "v1/writer.h"

static int add_map(cJSON *root, const DfyV1Plan *plan) {
    cJSON *map = cJSON_AddArrayToObject(root, "cycle_map");
    int others = 0;
    for (uint32_t i = 0; map && i < plan->pieces; i++) {
        int is_canonical = plan->piece[i].type == DFY_V1_CYCLE_CANON;
        int entry[2] = {!is_canonical, is_canonical ? (int)plan->piece[i].canonical : others};
        others += !is_canonical;
        if (!cJSON_AddItemToArray(map, cJSON_CreateIntArray(entry, 2))) return 0;
    }
    return map != NULL;
}

static int add_cycles(cJSON *root, const DfyV1Plan *plan) {
    cJSON *list = cJSON_AddArrayToObject(root, "cycles");
    for (uint32_t i = 0; list && i < plan->cycles; i++) {
        const DfyV1CycleFact *fact = &plan->cycle[i];
        double rounded = (double)(int64_t)(fact->distance * 1000 + 0.5) / 1000;
        double entry[5] = {(double)fact->first_frame, (double)fact->frames, fact->canonical, rounded, fact->kind};
        if (!cJSON_AddItemToArray(list, cJSON_CreateDoubleArray(entry, 5))) return 0;
    }
    return list != NULL;
}

static int fill(cJSON *root, const DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    const DfyV1Plan *plan = &writer->plan;
    int good = cJSON_AddNumberToObject(root, "total_frames", (double)writer->frames) &&
               cJSON_AddNumberToObject(root, "fps", (double)settings->frame_rate_num / settings->frame_rate_den) &&
               cJSON_AddNumberToObject(root, "n_cycles", plan->pieces) &&
               cJSON_AddNumberToObject(root, "n_canonicals", plan->canonicals) &&
               cJSON_AddNumberToObject(root, "quality", settings->quality) &&
               cJSON_AddBoolToObject(root, "use_temporal", settings->use_temporal != 0) &&
               cJSON_AddBoolToObject(root, "use_bbox", settings->use_bbox != 0) && add_map(root, plan) &&
               cJSON_AddStringToObject(root, "writer", "diffy") &&
               cJSON_AddStringToObject(root, "mode", settings->mode == DFY_MODE_UPLOAD ? "upload" : "training") &&
               add_cycles(root, plan);
    if (!good || !settings->has_imu) return good;
    return cJSON_AddItemToObject(root, "camera_matrix", cJSON_CreateDoubleArray(writer->camera, 9));
}

int dfy_v1_write_metadata(DfyV1Writer *writer) {
    cJSON *root = cJSON_CreateObject();
    char *text = root && fill(root, writer) ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    if (!text) return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the metadata.");
    int status =
        dfy_v1_chunk_write(&writer->output, DFY_V1_METADATA, 0, (const uint8_t *)text, strlen(text), writer->message);
    cJSON_free(text);
    return status;
}
