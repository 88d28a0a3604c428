/* Colour of a source: what is guessed where nothing is said, and the names of H.273. */
#include "meaning.h"

#include "dsp/colour.h"

void colour_settle(SourceFacts *facts, int coded_height) {
    facts->matrix = dfy_colour_resolve(facts->matrix, coded_height);
    if (!facts->primaries) facts->primaries = H273_UNKNOWN;
    if (!facts->transfer) facts->transfer = H273_UNKNOWN;
}

void colour_of_rgb(SourceFacts *facts, int coded_height) {
    facts->matrix = DFY_MATRIX_UNKNOWN;
    facts->range = DFY_RANGE_LIMITED;
    if (!facts->primaries || facts->primaries == H273_UNKNOWN) facts->primaries = H273_BT709;
    if (!facts->transfer || facts->transfer == H273_UNKNOWN) facts->transfer = H273_SRGB;
    colour_settle(facts, coded_height);
}

int is_hdr(int transfer) {
    return transfer == H273_PQ || transfer == H273_HLG;
}

const char *primaries_name(int primaries) {
    switch (primaries) {
    case 1: return "BT.709";
    case 4: return "BT.470M";
    case 5: return "BT.470BG";
    case 6: return "BT.601";
    case 7: return "SMPTE 240M";
    case 8: return "film";
    case 9: return "BT.2020";
    case 10: return "XYZ";
    case 11: return "DCI-P3";
    case 12: return "Display P3";
    default: return "unknown";
    }
}

const char *transfer_name(int transfer) {
    switch (transfer) {
    case 1: return "BT.709";
    case 4: return "gamma 2.2";
    case 5: return "gamma 2.8";
    case 6: return "BT.601";
    case 7: return "SMPTE 240M";
    case 8: return "linear";
    case 13: return "sRGB";
    case 14:
    case 15: return "BT.2020";
    case 16: return "PQ";
    case 18: return "HLG";
    default: return "unknown";
    }
}

const char *matrix_name(int matrix) {
    switch (matrix) {
    case 1: return "BT.709";
    case 4: return "FCC";
    case 5:
    case 6: return "BT.601";
    case 7: return "SMPTE 240M";
    case 9:
    case 10: return "BT.2020";
    default: return "unknown";
    }
}
