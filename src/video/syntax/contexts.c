#include "video/syntax/contexts.h"

#include <stddef.h>

#include "video/syntax/initial_models.h"

/* Probabilities of a 1 in 1/65536, nearly even steps of their logit. */
static const uint16_t places[31] = {256,   360,   506,   711,   996,   1390,  1930,  2660,  3650,  4980,  6800,
                                    9250,  12550, 16900, 23500, 32768, 42036, 48636, 52986, 56286, 58736, 60556,
                                    61886, 62876, 63606, 64146, 64540, 64825, 65030, 65176, 65280};
static const uint8_t uses[8] = {1, 2, 4, 6, 9, 13, 18, 28};

_Static_assert(sizeof(DfyContexts) == DFY_INITIAL_MODELS * sizeof(DfyBit),
               "models came or went: train them anew, as tools/train/README.md says");

DfyBit dfy_initial_model(int value) {
    if (!value) return DFY_BIT_EVEN;
    uint16_t p = places[(value - 1) % 31];
    return (DfyBit){p, p, uses[(value - 1) / 31], 0};
}

void dfy_contexts_reset(DfyContexts *contexts) {
    DfyBit *bit = (DfyBit *)contexts, *end = bit + DFY_INITIAL_MODELS;
    for (const uint8_t *at = dfy_initial_models; bit < end; at++) {
        if (*at)
            *bit++ = dfy_initial_model(*at);
        else
            for (int n = *++at; n >= 0; n--) *bit++ = DFY_BIT_EVEN;
    }
}
