#include "video/syntax/departure_list.h"

#include "container/v2.h"

#define SIZE_UNITS 100.0 /* a level, or one time as long */
#define LARGEST 100000u

/* One departure, whose box is in pixels. */
static void put(DfyBuffer *buffer, const DfyLoggedDeparture *d, uint64_t *at) {
    dfy_put_varint(buffer, d->first - *at);
    dfy_put_varint(buffer, d->frames);
    dfy_put_varint(buffer, (uint64_t)(d->size * SIZE_UNITS + 0.5) << 1 | (d->is_slow != 0));
    dfy_put_varint(buffer, (uint64_t)d->left);
    dfy_put_varint(buffer, (uint64_t)d->top);
    dfy_put_varint(buffer, (uint64_t)(d->right - d->left));
    dfy_put_varint(buffer, (uint64_t)(d->bottom - d->top));
    *at = d->first;
}

void dfy_put_departures(DfyBuffer *buffer, const DfyDepartures *departures, int width, int height) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < departures->count; i++) {
        DfyLoggedDeparture d = departures->at[i];
        d.left = d.left * width / DFY_CELLS_ACROSS;
        d.right = d.right * width / DFY_CELLS_ACROSS;
        d.top = d.top * height / DFY_CELLS_DOWN;
        d.bottom = d.bottom * height / DFY_CELLS_DOWN;
        put(buffer, &d, &at);
    }
}

void dfy_move_departures(DfyBuffer *buffer, const DfyDepartures *departures, uint64_t first) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < departures->count; i++) {
        DfyLoggedDeparture d = departures->at[i];
        d.first += first;
        put(buffer, &d, &at);
    }
}

/* A part of a side: where it begins and how much it is; whether it lies within the side. */
static int is_part(uint64_t from, uint64_t length, int side) {
    return from < (uint64_t)side && length <= (uint64_t)side - from;
}

int dfy_read_departures(DfyBytes *bytes, uint64_t frames, int width, int height, DfyDepartures *departures) {
    uint64_t at = 0, least = departures->count ? departures->at[departures->count - 1].first : 0;
    while (dfy_bytes_left(bytes) && departures->count < DFY_MOST_DEPARTURES) {
        uint64_t step = dfy_read_varint(bytes), length = dfy_read_varint(bytes), size = dfy_read_varint(bytes);
        uint64_t left = dfy_read_varint(bytes), top = dfy_read_varint(bytes);
        uint64_t across = dfy_read_varint(bytes), down = dfy_read_varint(bytes);
        if (bytes->overrun || !length || step > frames - at || at + step < least || length > frames - at - step ||
            size >> 1 > LARGEST || !is_part(left, across, width) || !is_part(top, down, height))
            break;
        at += step;
        DfyLoggedDeparture d = {.first = at,
                                .frames = length,
                                .is_slow = (int)(size & 1),
                                .left = (int)left,
                                .top = (int)top,
                                .right = (int)(left + across),
                                .bottom = (int)(top + down),
                                .size = (double)(size >> 1) / SIZE_UNITS};
        if (dfy_departures_append(departures, &d)) return DFY_ERROR_MEMORY;
    }
    return DFY_OK;
}
