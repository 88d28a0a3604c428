/*
 * The test scene: a robot cell seen from above by a fixed camera, rendered from a seed. A two-segment arm takes parts
 * from one belt and lays them on another, again and again, never twice quite the same. Deterministic: the same
 * settings give the same pictures, and any frame can be rendered alone.
 *
 *     SceneSettings settings;
 *     scene_defaults(&settings, "quiet");
 *     Scene *scene = scene_open(&settings);
 *     for (uint64_t frame = 0; frame < 300; frame++)
 *         use(scene_render(scene, frame));
 *     scene_close(&scene);
 */
#ifndef DIFFY_SCENE_H
#define DIFFY_SCENE_H

#include "diffy.h"

typedef struct SceneSettings {
    int width, height; /* pixels */
    int frame_rate_num, frame_rate_den;
    uint64_t seed;
    double cycle_seconds; /* mean length of a cycle without its pause */
    double jitter;        /* relative deviation of speed; also moves the path. 0: every cycle is the same */
    double pause_chance;  /* of a wait of 0.5 to 3 s behind a cycle */
    double noise;         /* standard deviation of the sensor's noise, in levels at mid-grey */
    double light_drift;   /* relative, slow: 0.02 is plus or minus 2 % */
    double moved_at;      /* seconds at which the cup is moved, once; negative: never */
    double shutter;       /* open part of a frame's time; 0: no motion blur */
    int extras;           /* a fan, a lamp, a piston and a passing vehicle beside the arm */
} SceneSettings;

/* One cycle as it truly is: it begins when the hand leaves its rest and ends when the next one begins. */
typedef struct SceneCycle {
    double start_seconds, seconds; /* with the pause at its end */
    double pause_seconds;
    uint64_t first_frame, frames;
} SceneCycle;

typedef struct Scene Scene;

/* preset: "quiet", "busy" or "noisy"; returns 0, or -1 when there is no such preset. */
int scene_defaults(SceneSettings *settings, const char *preset);

/* NULL when the settings are out of range or there is no memory. */
Scene *scene_open(const SceneSettings *settings);

/* I420, limited range; belongs to the scene and stays valid until its next call. */
const DfyPicture *scene_render(Scene *scene, uint64_t frame);

/* The cycle with this number, from 0; -1 when there is no memory. */
int scene_cycle(Scene *scene, uint64_t index, SceneCycle *cycle);

/* Sets *scene to NULL; NULL is fine. */
void scene_close(Scene **scene);

#endif
