/*
 * In a decoder that is built with DFY_TRAIN: writes to the file that DFY_TRAIN_OUT names which bits the models of each
 * picture met, as 32-bit words of this machine. A picture: its number and that of the one whose models it began with
 * (0: new ones), both with the highest bit set; a bit: 2 x the model's place in DfyContexts + the bit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "video/syntax/contexts.h"
#include "video/syntax/initial_models.h"

#define TRAIN_FRAMES 256 /* more frames than a decoder has in memory */

static struct {
    FILE *file;
    uint32_t count;
    const DfyContexts *now, *known[TRAIN_FRAMES];
    uint32_t number[TRAIN_FRAMES];
} train;

/* Where what is known of a frame's models stands. */
static int train_place(const DfyContexts *models) {
    int i = 0;
    while (i < TRAIN_FRAMES - 1 && train.known[i] && train.known[i] != models) i++;
    train.known[i] = models;
    return i;
}

static void train_put(uint32_t word) {
    if (fwrite(&word, sizeof word, 1, train.file) != 1) abort();
}

void dfy_train_begin(const DfyContexts *models, const DfyContexts *from) {
    const char *name = getenv("DFY_TRAIN_OUT");
    if (!name) return;
    if (!train.file) train.file = fopen(name, "wb");
    if (!train.file) abort();
    uint32_t before = from ? train.number[train_place(from)] : 0;
    train.now = models;
    train.number[train_place(models)] = ++train.count;
    train_put(0x80000000u | train.count);
    train_put(0x80000000u | before);
}

void dfy_train_note(const DfyRangeCoder *coder, const DfyBit *model, int bit) {
    const DfyBit *first = (const DfyBit *)train.now;
    if (coder->mode != DFY_DECODE || !first || model < first || model >= first + DFY_INITIAL_MODELS) return;
    train_put((uint32_t)(model - first) << 1 | (uint32_t)bit);
}
