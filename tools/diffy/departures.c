#include "departures.h"

#include <inttypes.h>

#include "json.h"

static const char *kind_of(const DfyDeparture *d) {
    return d->is_slow ? "slow" : "seen";
}

void print_departures(const DfyDecoder *decoder) {
    DfyDeparture d;
    for (uint32_t i = 0; !dfy_decoder_departure(decoder, i, &d); i++) {
        if (!i)
            printf("\n  departure  first frame  frames   start s  length s  kind   size  left, top, right, bottom\n");
        printf("  %9u  %11" PRIu64 "  %6" PRIu64 "  %8.2f  %8.2f  %s  %5.1f  %d, %d, %d, %d\n", i, d.first_frame,
               d.frames, d.start_seconds, d.seconds, kind_of(&d), d.size, d.left, d.top, d.right, d.bottom);
    }
}

void add_departures(cJSON *root, const DfyDecoder *decoder) {
    cJSON *list = cJSON_AddArrayToObject(root, "departures");
    DfyDeparture d;
    for (uint32_t i = 0; !dfy_decoder_departure(decoder, i, &d); i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "first_frame", (double)d.first_frame);
        cJSON_AddNumberToObject(item, "frames", (double)d.frames);
        cJSON_AddNumberToObject(item, "start_seconds", d.start_seconds);
        cJSON_AddNumberToObject(item, "seconds", d.seconds);
        cJSON_AddStringToObject(item, "kind", kind_of(&d));
        cJSON_AddNumberToObject(item, "size", d.size);
        cJSON_AddNumberToObject(item, "left", d.left);
        cJSON_AddNumberToObject(item, "top", d.top);
        cJSON_AddNumberToObject(item, "right", d.right);
        cJSON_AddNumberToObject(item, "bottom", d.bottom);
        json_put(list, NULL, item);
    }
}

int write_departures(const DfyDecoder *decoder, const char *path) {
    OutputFile file;
    DfyDeparture d;
    if (output_open(&file, path)) return STATUS_FAILED;
    fputs("departure,first_frame,frames,start_seconds,seconds,kind,size,left,top,right,bottom\n", file.stream);
    for (uint32_t i = 0; !dfy_decoder_departure(decoder, i, &d); i++)
        fprintf(file.stream, "%u,%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%s,%.2f,%d,%d,%d,%d\n", i, d.first_frame, d.frames,
                d.start_seconds, d.seconds, kind_of(&d), d.size, d.left, d.top, d.right, d.bottom);
    return output_keep(&file);
}
