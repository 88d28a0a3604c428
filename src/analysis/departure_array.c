/* The list of departures: apart from the search for them, since decoders read such lists and link nothing that
 * searches. */
#include <stdlib.h>

#include "analysis/departures.h"

int dfy_departures_append(DfyDepartures *d, const DfyLoggedDeparture *departure) {
    if (d->count == d->capacity) {
        uint32_t capacity = d->capacity ? 2 * d->capacity : 16;
        DfyLoggedDeparture *grown = realloc(d->at, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        d->at = grown;
        d->capacity = capacity;
    }
    d->at[d->count++] = *departure;
    return DFY_OK;
}

void dfy_departures_free(DfyDepartures *d) {
    free(d->at);
    *d = (DfyDepartures){0};
}
