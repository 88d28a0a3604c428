/* Motion search: from good guesses, in small steps, to a quarter of a pixel. */
#ifndef DFY_VIDEO_MOTION_SEARCH_H
#define DFY_VIDEO_MOTION_SEARCH_H

#include "video/encode/decide/superblock.h"

typedef struct DfySearch {
    const DfyPictureCoding *picture;
    const DfyFrame *source;
    uint32_t lambda; /* absolute, times 256 */
    int steps;
    int rectangle[4]; /* luma pixels */
    int reference;
    int16_t predictors[2][2];
    const int16_t (*starts)[2]; /* further guesses, quarter pixels */
    int start_count;
    int all_places, diagonals, give_up; /* as the effort has them */
    int64_t known;                      /* cost that another reference gives, INT64_MAX: none */
    const uint8_t *other;               /* dfy_search_beside: the other reference's prediction, rows of 64; else NULL */
} DfySearch;

/* Finds a vector to one reference; returns its cost (absolute Hadamard difference and rate). */
int64_t dfy_search(const DfySearch *search, int16_t vector[2]);
/* Betters a vector that is known to be near, by the mean of what it and the other reference predict. */
int64_t dfy_search_beside(const DfySearch *search, int16_t vector[2]);

/* Cost of coding vector against the nearer predictor, 1/256 bits, and which it is. */
uint32_t dfy_vector_bits(const int16_t predictors[2][2], const int16_t vector[2], uint8_t *which);

#endif
