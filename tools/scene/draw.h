/* Draws what moves in the cell, as it is at one moment. */
#ifndef DIFFY_SCENE_DRAW_H
#define DIFFY_SCENE_DRAW_H

#include "scene/canvas.h"
#include "scene/timeline.h"

typedef struct Stage {
    const Timeline *timeline;
    View view;
} Stage;

typedef void (*DrawThings)(const Stage *stage, Layer *layer, const Pose *pose, double seconds);

/* The belts with their parts; they touch no pixel of each other. */
void draw_first_belt(const Stage *stage, Layer *layer, const Pose *pose, double seconds);
void draw_second_belt(const Stage *stage, Layer *layer, const Pose *pose, double seconds);
void draw_extras(const Stage *stage, Layer *layer, const Pose *pose, double seconds); /* what else lies low */
void draw_arm(const Stage *stage, Layer *layer, const Pose *pose, double seconds);    /* and who reaches in */
void draw_shadows(const Stage *stage, Layer *shadow, const Pose *pose, double seconds);

/* How far the cup has been pushed, 0..1. */
double cup_moved(const Stage *stage, double seconds);

#endif
