/*
 * PQ and HLG to BT.709. The light of a pixel, in units of reference white (203 nits, BT.2408), is left alone up to
 * three quarters of what BT.709 can show; above that a curve of the same slope leads up to what 1000 nits become:
 * white. The curve works on the largest of R, G and B and scales all three, so that hues stay. What is outside the
 * BT.709 triangle is clipped. The result is for a display of BT.1886, gamma 2.4.
 */
#include "meaning.h"

#include <math.h>
#include <stdlib.h>

enum { LIGHT_STEPS = 4096, CODE_STEPS = 4096 };
static const double reference_white = 203, peak = 1000, knee = 0.75, gamma = 2.4;

struct ToneMap {
    float light[LIGHT_STEPS + 1]; /* of a coded value */
    uint8_t code[CODE_STEPS + 1]; /* of light, by its square root */
    float to_709[3][3];
    int hlg;
};

static double pq_light(double e) {
    double p = pow(e, 1 / 78.84375), high = p - 0.8359375;
    return 10000 / reference_white * pow((high > 0 ? high : 0) / (18.8515625 - 18.6875 * p), 1 / 0.1593017578125);
}

/* Light of the scene, 1 at its peak. */
static double hlg_light(double e) {
    return e <= 0.5 ? e * e / 3 : (exp((e - 0.55991073) / 0.17883277) + 0.28466892) / 12;
}

ToneMap *tone_map_new(int transfer, int primaries) {
    static const float from_2020[3][3] = {
        {1.660491f, -0.587641f, -0.072850f}, {-0.124550f, 1.132900f, -0.008349f}, {-0.018151f, -0.100579f, 1.118730f}};
    ToneMap *map = calloc(1, sizeof *map);
    if (!map) return NULL;
    map->hlg = transfer == H273_HLG;
    for (int i = 0; i <= LIGHT_STEPS; i++) {
        double e = (double)i / LIGHT_STEPS;
        map->light[i] = (float)(map->hlg ? hlg_light(e) : pq_light(e));
    }
    for (int i = 0; i <= CODE_STEPS; i++) {
        double root = (double)i / CODE_STEPS;
        map->code[i] = (uint8_t)lrint(255 * pow(root * root, 1 / gamma));
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) map->to_709[i][j] = primaries == H273_BT709 ? (float)(i == j) : from_2020[i][j];
    return map;
}

/* What the brightest of a pixel's three lights is multiplied by. */
static float squeeze(float most) {
    const float k = (float)knee, top = (float)((peak / reference_white - knee) / (1 - knee));
    if (most <= k) return 1;
    float t = (most - k) / (1 - k);
    if (t > top) t = top;
    return (k + (1 - k) * t * (1 + t / (top * top)) / (1 + t)) / most;
}

void tone_map_row(const ToneMap *map, uint8_t *rgb, const uint16_t *rgb16, int count) {
    for (int x = 0; x < count; x++, rgb += 3, rgb16 += 3) {
        float wide[3], narrow[3], most = 0;
        for (int c = 0; c < 3; c++) wide[c] = map->light[(rgb16[c] * LIGHT_STEPS + 32767) / 65535];
        if (map->hlg) { /* the display's own curve, for one of 1000 nits: BT.2100 */
            float y = 0.2627f * wide[0] + 0.6780f * wide[1] + 0.0593f * wide[2];
            float scale = y > 0 ? powf(y, 0.2f) * (float)(peak / reference_white) : 0;
            for (int c = 0; c < 3; c++) wide[c] *= scale;
        }
        for (int c = 0; c < 3; c++) {
            const float *row = map->to_709[c];
            narrow[c] = row[0] * wide[0] + row[1] * wide[1] + row[2] * wide[2];
            if (narrow[c] > most) most = narrow[c];
        }
        float scale = squeeze(most);
        for (int c = 0; c < 3; c++) {
            float light = narrow[c] * scale;
            rgb[c] = map->code[light <= 0 ? 0 : light >= 1 ? CODE_STEPS : (int)(sqrtf(light) * CODE_STEPS + 0.5f)];
        }
    }
}

void tone_map_free(ToneMap *map) {
    free(map);
}
