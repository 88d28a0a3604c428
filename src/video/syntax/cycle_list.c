#include "video/syntax/cycle_list.h"

#include <stdlib.h>

#include "container/v2.h"

#define DISTANCE_UNITS 100.0 /* a level */
#define FARTHEST 25500u

void dfy_put_cycles(DfyBuffer *buffer, const DfyLoggedCycle *cycle, uint32_t count) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        dfy_put_varint(buffer, cycle[i].first - at);
        dfy_put_varint(buffer, cycle[i].frames);
        dfy_put_varint(buffer, (uint64_t)cycle[i].canonical << 1 | (cycle[i].is_canonical != 0));
        if (!cycle[i].is_canonical) dfy_put_varint(buffer, (uint64_t)(cycle[i].distance * DISTANCE_UNITS + 0.5));
        at = cycle[i].first + cycle[i].frames;
    }
}

static int keep(DfyCycleList *list, const DfyLoggedCycle *cycle) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        DfyLoggedCycle *grown = realloc(list->cycle, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        list->cycle = grown;
        list->capacity = capacity;
    }
    list->cycle[list->count++] = *cycle;
    list->canonicals += (uint32_t)cycle->is_canonical;
    return DFY_OK;
}

int dfy_read_cycles(DfyBytes *bytes, uint64_t frames, DfyCycleList *list) {
    const DfyLoggedCycle *last = list->count ? &list->cycle[list->count - 1] : NULL;
    uint64_t at = 0, least = last ? last->first + last->frames : 0;
    while (dfy_bytes_left(bytes) && list->count < DFY_MOST_CYCLES) {
        uint64_t gap = dfy_read_varint(bytes), length = dfy_read_varint(bytes), canonical = dfy_read_varint(bytes);
        uint64_t distance = canonical & 1 ? 0 : dfy_read_varint(bytes);
        if (bytes->overrun || !length || gap > frames - at || at + gap < least || length > frames - at - gap ||
            canonical >> 1 > DFY_MOST_CYCLES || distance > FARTHEST)
            break;
        DfyLoggedCycle cycle = {.first = at + gap,
                                .frames = length,
                                .canonical = (uint32_t)(canonical >> 1),
                                .is_canonical = (int)(canonical & 1),
                                .distance = (double)distance / DISTANCE_UNITS};
        at += gap + length;
        if (keep(list, &cycle)) return DFY_ERROR_MEMORY;
    }
    return DFY_OK;
}

void dfy_cycle_list_free(DfyCycleList *list) {
    free(list->cycle);
    *list = (DfyCycleList){0};
}
