/*
 * What a source means: the one place that decides about colour, time, shape and orientation, whoever reads it. The
 * readers bring what a file says; these functions fill in what it leaves open, by the same rules for every kind of
 * input. The site follows the same rules (wasm/meaning.js).
 */
#ifndef DIFFY_MEANING_H
#define DIFFY_MEANING_H

#include "source.h"

/* ---------------------------------------------------------------- colour (meaning_colour.c) */

enum { H273_UNKNOWN = 2, H273_BT709 = 1, H273_SRGB = 13, H273_PQ = 16, H273_HLG = 18, H273_BT2020 = 9 };

/*
 * Fixes a matrix that nobody stated by the rows of the source as it is coded, before scaling and turning: BT.601 below
 * 720 rows, else BT.709.
 */
void colour_settle(SourceFacts *facts, int coded_height);

/* sRGB, as images and RGB video without tags are: how their pixels become YCbCr, and what the file then says. */
void colour_of_rgb(SourceFacts *facts, int coded_height);

/* PQ or HLG: more brightness than BT.709 has. */
int is_hdr(int transfer);

/* English name of a code point, never NULL; "unknown" for 2 and those without a name here. */
const char *primaries_name(int primaries);
const char *transfer_name(int transfer);
const char *matrix_name(int matrix);

/* Tone-maps PQ or HLG to BT.709: see meaning_hdr.c. */
typedef struct ToneMap ToneMap;
ToneMap *tone_map_new(int transfer, int primaries); /* NULL: no memory */
/* count pixels of three 16-bit full-range values (R, G, B) to 8 bits. */
void tone_map_row(const ToneMap *map, uint8_t *rgb, const uint16_t *rgb16, int count);
void tone_map_free(ToneMap *map);

/* ---------------------------------------------------------------- time (meaning_time.c) */

/*
 * The clock of a transport stream may be set anew, wrap or be repeated by the next segment. Packets come in decoding
 * order; each is moved by an offset that makes it follow the one before wherever the clock jumped: back by more than a
 * tenth of a second, or on by more than ten (and by more than four times the longest step so far, so that one picture a
 * minute stays that). Gaps of a live recording up to ten seconds stay gaps. All in ticks.
 */
typedef struct Clock {
    double seconds_a_tick;
    int64_t frame_ticks; /* what a packet lasts that does not say it */
    int64_t offset, last, next, longest_step;
    int started;
    unsigned resets; /* how often the clock jumped */
} Clock;

/* Takes a packet's decoding time and its duration (0: unknown); the offset to add to its times is clock->offset. */
void clock_take(Clock *clock, int64_t time, int64_t duration);

/*
 * Nominal frame rate from the times of count frames in playing order (sorted here): their usual step, not the mean
 * rate, which a frame that lasts long or a gap would spoil. 0/0 when there are fewer than two.
 */
void rate_from_times(int64_t *times, size_t count, double seconds_a_tick, int *num, int *den);

/* ---------------------------------------------------------------- shape (meaning_shape.c) */

/* EXIF orientations, what is done to a picture before it is shown: 1 nothing, 2 mirrored, 3 half a turn, 4 upside down
 * mirrored, 5 transposed, 6 a quarter clockwise, 7 transversed, 8 a quarter counter-clockwise. */
int orientation_is_sideways(int orientation);
/* Of an MP4's display matrix (nine numbers, 16.16 and 2.30 fixed point); 1 for what is no multiple of 90 degrees. */
int orientation_of_matrix(const int32_t matrix[9]);
void matrix_of_orientation(int orientation, int width, int height, int32_t matrix[9]);
/* Orientation in a TIFF block, as EXIF has it ("II*\0..." or "MM\0*..."); 1 when there is none. */
int orientation_of_exif(const uint8_t *data, size_t size);

/* Turns a picture into *own (allocated when empty); *picture becomes it. Orientation 1 leaves it as it is. */
int picture_orient(DfyPicture *picture, OwnPicture *own, int orientation);
/* As picture_orient for what is known of it: size and sample aspect. */
void facts_orient(SourceFacts *facts, int orientation);

/* Scales to fit into width x height between black bars, in the middle; *picture becomes own. */
typedef struct Fitter Fitter;
int picture_fit(DfyPicture *picture, Fitter **fitter, int width, int height);
void fitter_free(Fitter **fitter);

/* Size of the output for the options: at most max_width pixels wide (0: any), square pixels if asked for. */
void size_wanted(const SourceFacts *facts, int max_width, int square, int *width, int *height);

#endif
