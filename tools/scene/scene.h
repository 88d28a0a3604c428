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

#include "diffy/diffy.h"

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
    double planted; /* chance of an event in a cycle, 0..1; the first cycles, and two behind an event, have none */
} SceneSettings;

/* One cycle as it truly is: it begins when the hand leaves its rest and ends when the next one begins. */
typedef struct SceneCycle {
    double start_seconds, seconds; /* with the pause at its end */
    double pause_seconds;
    uint64_t first_frame, frames;
} SceneCycle;

/* What is out of the ordinary. */
typedef enum SceneEventKind {
    SCENE_DROPPED, /* the part falls on its way and lies there until somebody takes it away */
    SCENE_HAND,    /* somebody reaches across the table */
    SCENE_SLOW,    /* a cycle takes 1.8 times as long */
    SCENE_MISSED   /* the gripper closes beside the part, which rides past */
} SceneEventKind;

typedef struct SceneEvent {
    SceneEventKind kind;
    uint64_t cycle; /* it happens in, from 0 */
    double start_seconds, seconds;
    uint64_t first_frame, frames;
    uint64_t aftermath_frames;    /* behind it, while a part is missing on the second belt */
    int left, top, right, bottom; /* pixels it is seen in; right and bottom are the first beyond */
} SceneEvent;

typedef struct Scene Scene;

/* preset: "quiet", "busy" or "noisy"; returns 0, or -1 when there is no such preset. */
int scene_defaults(SceneSettings *settings, const char *preset);

/* NULL when the settings are out of range or there is no memory. */
Scene *scene_open(const SceneSettings *settings);

/* I420, limited range; belongs to the scene and stays valid until its next call. */
const DfyPicture *scene_render(Scene *scene, uint64_t frame);

/* The cycle with this number, from 0; -1 when there is no memory. */
int scene_cycle(Scene *scene, uint64_t index, SceneCycle *cycle);

/* The event of the cycle with this number: 1; 0 when it has none, -1 when there is no memory. */
int scene_event(Scene *scene, uint64_t index, SceneEvent *event);

/* "dropped", "hand", "slow" or "missed". */
const char *scene_event_name(SceneEventKind kind);

/* Sets *scene to NULL; NULL is fine. */
void scene_close(Scene **scene);

#endif
