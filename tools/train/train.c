/*
 * Finds what each model had best begin with: train OUTPUT FILE.train:BYTES ... The files are what note.h writes, BYTES
 * the size of the video that it tells of: bits count for the more the smaller that is, so that every video counts
 * alike. Each model is tried with all 248 beginnings and the even one on the first bits that it met behind each random
 * access point, along every chain of pictures that hand models on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "video/syntax/contexts.h"
#include "video/syntax/initial_models.h"

#define MOST_BITS 400 /* of a chain; by then it is forgotten how it began */

/* The bits that a model met in one picture. */
typedef struct Piece {
    int before; /* the piece that it goes on from, -1: none */
    size_t first;
    int count, depth; /* bits; those of the chain before */
    double weight;
} Piece;

typedef struct Model {
    Piece *pieces;
    size_t count, room;
    uint8_t *bits;
    size_t bit_count, bit_room;
} Model;

static Model models[DFY_INITIAL_MODELS];

static void *grown(void *list, size_t count, size_t *room, size_t size) {
    if (count < *room) return list;
    *room = *room ? 2 * *room : 64;
    list = realloc(list, *room * size);
    if (!list) exit(1);
    return list;
}

static void note_bit(Model *m, int *last, int is_new, int bit, double weight) {
    if (is_new) {
        int depth = *last < 0 ? 0 : m->pieces[*last].depth + m->pieces[*last].count;
        m->pieces = grown(m->pieces, m->count, &m->room, sizeof *m->pieces);
        m->pieces[m->count] = (Piece){*last, m->bit_count, 0, depth, weight};
        *last = (int)m->count++;
    }
    Piece *piece = &m->pieces[*last];
    if (piece->depth + piece->count >= MOST_BITS) return;
    m->bits = grown(m->bits, m->bit_count, &m->bit_room, 1);
    m->bits[m->bit_count++] = (uint8_t)bit;
    piece->count++;
}

/* last: of each picture and model the last piece. */
static void read_notes(FILE *file, double weight) {
    uint32_t word, before;
    size_t pictures = 1, room = 0;
    int(*last)[DFY_INITIAL_MODELS] = NULL;
    static uint8_t begun[DFY_INITIAL_MODELS];
    last = grown(last, 0, &room, sizeof *last);
    memset(last[0], -1, sizeof *last);
    while (fread(&word, sizeof word, 1, file) == 1) {
        if (word >> 31) {
            if (fread(&before, sizeof before, 1, file) != 1) break;
            last = grown(last, pictures, &room, sizeof *last);
            memcpy(last[pictures++], last[before & 0x7FFFFFFF], sizeof *last);
            memset(begun, 0, sizeof begun);
            continue;
        }
        int at = (int)(word >> 1);
        note_bit(&models[at], &last[pictures - 1][at], !begun[at], (int)(word & 1), weight);
        begun[at] = 1;
    }
    free(last);
}

/* What the bits cost a model that begins so. As if one more bit of either kind had been met: nothing is quite sure. */
static double cost_of(const Model *m, DfyBit begin, DfyBit *ends) {
    double all = 0.05 * (dfy_bit_cost(&begin, 0) + dfy_bit_cost(&begin, 1));
    for (size_t i = 0; i < m->count; i++) {
        const Piece *piece = &m->pieces[i];
        DfyBit bit = piece->before < 0 ? begin : ends[piece->before];
        double cost = 0;
        for (size_t j = piece->first; j < piece->first + (size_t)piece->count; j++) {
            cost += dfy_bit_cost(&bit, m->bits[j]);
            dfy_bit_update(&bit, m->bits[j]);
        }
        ends[i] = bit;
        all += cost * piece->weight;
    }
    return all;
}

static uint8_t choose(const Model *m) {
    DfyBit *ends = malloc((m->count + 1) * sizeof *ends);
    if (!ends) exit(1);
    int best = 0;
    double least = cost_of(m, dfy_initial_model(0), ends);
    for (int v = 1; v <= DFY_INITIAL_VALUES && m->bit_count > 2; v++) {
        double cost = cost_of(m, dfy_initial_model(v), ends);
        if (cost >= least) continue;
        least = cost;
        best = v;
    }
    free(ends);
    return (uint8_t)best;
}

int main(int count, char **arguments) {
    for (int i = 2; i < count; i++) {
        char *bytes = strrchr(arguments[i], ':');
        if (!bytes) return 2;
        *bytes = 0;
        FILE *file = fopen(arguments[i], "rb");
        if (!file) return 1;
        read_notes(file, 1e4 / atof(bytes + 1));
        fclose(file);
    }
    FILE *out = count > 2 ? fopen(arguments[1], "wb") : NULL;
    for (int i = 0; i < DFY_INITIAL_MODELS && out; i++) putc(choose(&models[i]), out);
    return !out || fclose(out);
}
