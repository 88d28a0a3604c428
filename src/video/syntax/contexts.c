#include "video/syntax/contexts.h"

#include <stddef.h>

void dfy_contexts_reset(DfyContexts *contexts) {
    DfyBit *bits = (DfyBit *)contexts;
    for (size_t i = 0; i < sizeof *contexts / sizeof *bits; i++) bits[i] = DFY_BIT_EVEN;
}
