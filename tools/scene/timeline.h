/* What happens when: the cycles, and where everything is at a given time. Lengths are in a 640 x 360 picture. */
#ifndef DIFFY_SCENE_TIMELINE_H
#define DIFFY_SCENE_TIMELINE_H

#include <stddef.h>

#include "scene/scene.h"

enum { PHASES = 10 }; /* see timeline.c */

typedef struct TimelineCycle {
    double start, end_of[PHASES]; /* seconds from the beginning of the recording */
    double shift[4][2];           /* of the path's four points */
    double bow;                   /* how far the carrying path swings out */
    int has_event;
    SceneEventKind event;
    double event_start, event_end; /* seconds */
    double event_x, event_y;       /* where a part falls to, or a hand reaches to */
    double drop;                   /* how much of the way it was carried, 0..1 */
} TimelineCycle;

typedef struct Timeline {
    SceneSettings settings;
    TimelineCycle *cycles;
    size_t count, capacity;
} Timeline;

typedef struct Point {
    double x, y;
} Point;

typedef struct Pose {
    Point hand, elbow;
    double height; /* of the hand above the table, 0..1 */
    double grip;   /* 0 open .. 1 closed */
    int carrying;
    uint64_t cycle;           /* number of the cycle, and of the part it handles */
    int picked, placed;       /* whether its part left the first belt, lies on the second */
    int missed;               /* the part is not picked at all in this cycle, and rides past */
    double belt_in, belt_out; /* how far this cycle's belt steps are, 0..1 */
} Pose;

static const Point shoulder = {320, 92}, pick_point = {150, 236}, place_point = {490, 236}, home_point = {330, 262};
static const double upper_arm = 124, forearm = 112, part_spacing = 74;

/* A part that fell, and somebody's hand that reaches in from the lower edge. */
typedef struct Incident {
    int fallen, reaching, holding; /* whether a part lies, a hand is seen, the hand has the part */
    Point part, hand;
    double height, turn; /* of the part that falls */
    uint64_t number;     /* of the part */
} Incident;

/* Makes sure that the cycle at this time, or with this number, is known; -1 when there is no memory. */
int timeline_reach_time(Timeline *timeline, double seconds);
int timeline_reach_cycle(Timeline *timeline, uint64_t index);

Pose timeline_pose(const Timeline *timeline, double seconds);

Incident timeline_incident(const Timeline *timeline, double seconds);

/* Whether the part with this number was laid on the second belt. */
int part_arrived(const Timeline *timeline, uint64_t part);

/* Angle and tint of a part, by its number. */
double part_angle(const Timeline *timeline, uint64_t part);
double part_tint(const Timeline *timeline, uint64_t part);

#endif
