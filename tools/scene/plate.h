/* What never moves: floor, table, everything that lies about in a workshop, and how the lamps light it. */
#ifndef DIFFY_SCENE_PLATE_H
#define DIFFY_SCENE_PLATE_H

#include "scene/canvas.h"

enum { LAMPS = 2 };

typedef struct Plate {
    int width, height;
    float *luma, *blue, *red;    /* colour under even light: luma 0..255, chroma around 0 */
    float *lamp[LAMPS];          /* what each lamp adds, relative */
    float *half_blue, *half_red; /* means of 2 x 2 pixels, (width+1)/2 x (height+1)/2 */
    float *memory;
} Plate;

int plate_open(Plate *plate, int width, int height, const View *view, uint64_t seed);
void plate_close(Plate *plate);

#endif
