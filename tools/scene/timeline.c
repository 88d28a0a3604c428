/*
 * A cycle is ten phases. Each cycle draws its own speed, the speed of each phase, small shifts of the points on its
 * path, and whether a pause follows, all from (seed, number of the cycle).
 */
#include "scene/timeline.h"

#include <stdlib.h>

#include "scene/random.h"

enum { REACH, DESCEND, GRIP, LIFT, CARRY, LOWER, RELEASE, RISE, RETURN, PAUSE };
static const double share_of[PHASES] = {.19, .08, .05, .07, .26, .08, .05, .07, .15, 0};

/* Places of the random numbers within one cycle's. */
enum { SPEED_PLACE = 0, PHASE_PLACE = 10, PATH_PLACE = 40, PAUSE_PLACE = 80, PART_PLACE = 90, EVENT_PLACE = 100 };

/* Events: the first cycles have none, and two behind one, so that each stands alone. */
enum { QUIET_START = 3, QUIET_BEHIND = 2 };
static const double slow_factor = 1.8, fall_seconds = 0.25, fetch_seconds = 1.4, edge_y = 380;

static uint64_t cycle_seed(const Timeline *t, uint64_t index) {
    return hash_of(t->settings.seed, 1000 + index);
}

static int draw_event(const Timeline *t, uint64_t index, TimelineCycle *cycle) {
    uint64_t seed = cycle_seed(t, index);
    if (index < QUIET_START || uniform_of(seed, EVENT_PLACE) >= t->settings.planted) return 0;
    for (uint64_t i = 1; i <= QUIET_BEHIND; i++)
        if (t->cycles[index - i].has_event) return 0;
    cycle->event = (SceneEventKind)(4 * uniform_of(seed, EVENT_PLACE + 1));
    return 1;
}

static double ease(double x);
static Point between(Point a, Point b, double x, double bow);

/* When and where the event of a cycle is whose times are known. */
static void place_event(const Timeline *t, uint64_t index, TimelineCycle *c) {
    uint64_t seed = cycle_seed(t, index);
    double begin = c->end_of[LIFT], length = c->end_of[CARRY] - begin, end = c->end_of[PAUSE];
    double some = uniform_of(seed, EVENT_PLACE + 2), more = uniform_of(seed, EVENT_PLACE + 3);
    c->event_start = c->start;
    c->event_end = end;
    if (c->event == SCENE_DROPPED) {
        c->drop = 0.35 + 0.3 * some;
        Point at = between(pick_point, place_point, ease(c->drop), c->bow);
        c->event_x = at.x + 12 * (more - 0.5);
        c->event_y = at.y + 14;
        c->event_start = begin + c->drop * length;
        c->event_end = end + fmax(fetch_seconds, 0.6 * t->settings.cycle_seconds);
    } else if (c->event == SCENE_HAND) {
        c->event_x = 210 + 220 * some;
        c->event_y = 262 + 30 * more;
        c->event_start = c->start + 0.5 * more * (end - c->start);
        c->event_end = fmin(end, c->event_start + 1.2 + some);
    } else if (c->event == SCENE_MISSED) {
        c->event_start = c->end_of[DESCEND];
        c->event_end = c->end_of[RISE];
    }
}

static void draw_cycle(const Timeline *t, uint64_t index, double start, TimelineCycle *cycle) {
    const SceneSettings *s = &t->settings;
    uint64_t seed = cycle_seed(t, index);
    *cycle = (TimelineCycle){.start = start};
    double time = start, slowness = exp(s->jitter * normal_of(seed, SPEED_PLACE));
    cycle->has_event = draw_event(t, index, cycle);
    if (cycle->has_event && cycle->event == SCENE_SLOW) slowness *= slow_factor;
    for (int phase = 0; phase < PAUSE; phase++) {
        double own = exp(0.7 * s->jitter * normal_of(seed, PHASE_PLACE + (uint64_t)phase));
        time += s->cycle_seconds * share_of[phase] * slowness * own;
        cycle->end_of[phase] = time;
    }
    if (uniform_of(seed, PAUSE_PLACE) < s->pause_chance) time += 0.5 + 2.5 * uniform_of(seed, PAUSE_PLACE + 1);
    cycle->end_of[PAUSE] = time;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 2; j++)
            cycle->shift[i][j] = 40 * s->jitter * normal_of(seed, PATH_PLACE + (uint64_t)(2 * i + j));
    cycle->bow = 46 * exp(2 * s->jitter * normal_of(seed, PATH_PLACE + 20));
    if (cycle->has_event) place_event(t, index, cycle);
}

int timeline_reach_cycle(Timeline *t, uint64_t index) {
    while (t->count <= index) {
        if (t->count == t->capacity) {
            size_t capacity = t->capacity ? 2 * t->capacity : 64;
            TimelineCycle *cycles = realloc(t->cycles, capacity * sizeof *cycles);
            if (!cycles) return -1;
            t->cycles = cycles;
            t->capacity = capacity;
        }
        double start = t->count ? t->cycles[t->count - 1].end_of[PAUSE] : 0;
        draw_cycle(t, t->count, start, &t->cycles[t->count]);
        t->count++;
    }
    return 0;
}

int timeline_reach_time(Timeline *t, double seconds) {
    while (!t->count || t->cycles[t->count - 1].end_of[PAUSE] <= seconds)
        if (timeline_reach_cycle(t, t->count)) return -1;
    return 0;
}

static size_t cycle_at(const Timeline *t, double seconds) {
    size_t low = 0, high = t->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->cycles[middle].end_of[PAUSE] > seconds)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Minimum jerk: how a hand, or a well-tuned drive, goes from rest to rest. */
static double ease(double x) {
    return x <= 0 ? 0 : x >= 1 ? 1 : x * x * x * (10 - 15 * x + 6 * x * x);
}

static Point between(Point a, Point b, double x, double bow) {
    double lift = bow * 4 * x * (1 - x);
    return (Point){a.x + (b.x - a.x) * x, a.y + (b.y - a.y) * x + lift};
}

static Point shifted(Point p, const double shift[2]) {
    return (Point){p.x + shift[0], p.y + shift[1]};
}

/* The elbow always bends to the same side, as a SCARA arm's does. */
static Point elbow_of(Point hand) {
    double dx = hand.x - shoulder.x, dy = hand.y - shoulder.y, distance = sqrt(dx * dx + dy * dy);
    double longest = (upper_arm + forearm) * 0.999;
    if (distance > longest) distance = longest;
    double cosine = (upper_arm * upper_arm + distance * distance - forearm * forearm) / (2 * upper_arm * distance);
    double angle = atan2(dy, dx) - acos(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
    return (Point){shoulder.x + upper_arm * cos(angle), shoulder.y + upper_arm * sin(angle)};
}

static void place_hand(const TimelineCycle *c, const TimelineCycle *before, int phase, double x, Pose *pose) {
    Point pick = shifted(pick_point, c->shift[0]), place = shifted(place_point, c->shift[1]);
    Point home = shifted(home_point, c->shift[2]);
    Point start = before ? shifted(home_point, before->shift[2]) : home;
    switch (phase) {
    case REACH: pose->hand = between(start, pick, ease(x), 10); break;
    case DESCEND:
    case GRIP:
    case LIFT: pose->hand = pick; break;
    case CARRY: pose->hand = between(pick, place, ease(x), c->bow); break;
    case LOWER:
    case RELEASE:
    case RISE: pose->hand = place; break;
    case RETURN: pose->hand = between(place, home, ease(x), -12); break;
    default: pose->hand = home; break;
    }
    pose->height = phase == DESCEND || phase == LOWER  ? 1 - ease(x)
                   : phase == LIFT || phase == RISE    ? ease(x)
                   : phase == GRIP || phase == RELEASE ? 0
                                                       : 1;
    pose->grip = phase == GRIP ? ease(x) : phase == RELEASE ? 1 - ease(x) : phase >= LIFT && phase <= LOWER ? 1 : 0;
    int dropped = c->has_event && c->event == SCENE_DROPPED && (phase > CARRY || (phase == CARRY && x >= c->drop));
    int missed = c->has_event && c->event == SCENE_MISSED;
    pose->carrying = phase >= LIFT && phase <= LOWER && !dropped && !missed;
    pose->picked = phase >= LIFT && !missed;
    pose->missed = missed;
    pose->placed = phase >= RELEASE;
    pose->belt_in = phase < CARRY ? 0 : phase == CARRY ? ease(x * 1.6) : 1;
    pose->belt_out = phase < RETURN ? 0 : phase == RETURN ? ease(x) : 1;
}

Pose timeline_pose(const Timeline *t, double seconds) {
    size_t index = cycle_at(t, seconds);
    const TimelineCycle *c = &t->cycles[index];
    int phase = 0;
    while (phase < PAUSE && c->end_of[phase] <= seconds) phase++;
    double begin = phase ? c->end_of[phase - 1] : c->start, length = c->end_of[phase] - begin;
    Pose pose = {.cycle = index};
    place_hand(c, index ? c - 1 : NULL, phase, length > 0 ? (seconds - begin) / length : 1, &pose);
    pose.elbow = elbow_of(pose.hand);
    return pose;
}

/* How far a hand has reached in when x of its time is over. */
static double reached(double x) {
    return x < 0.35 ? ease(x / 0.35) : x > 0.65 ? ease((1 - x) / 0.35) : 1;
}

static void see_event(const TimelineCycle *c, uint64_t index, double seconds, Incident *incident) {
    if (!c->has_event || seconds < c->event_start || seconds >= c->event_end) return;
    if (c->event != SCENE_DROPPED && c->event != SCENE_HAND) return;
    double begin = c->event == SCENE_HAND ? c->event_start : c->event_end - fetch_seconds;
    double x = (seconds - begin) / (c->event_end - begin);
    Point goal = {c->event_x, c->event_y};
    incident->reaching = x >= 0;
    incident->hand = (Point){goal.x + 18 * (1 - reached(x)), edge_y + (goal.y - edge_y) * (x < 0 ? 0 : reached(x))};
    if (c->event != SCENE_DROPPED) return;
    double fallen = fmin(1, (seconds - c->event_start) / fall_seconds);
    incident->fallen = 1;
    incident->holding = x >= 0.5;
    incident->part = incident->holding ? incident->hand : goal;
    incident->height = incident->holding ? 0.5 : 0.01 + (1 - fallen * fallen);
    if (!incident->holding) incident->part.y -= 14 * (1 - fallen * fallen);
    incident->turn = 0.9 * fallen;
    incident->number = index;
}

Incident timeline_incident(const Timeline *t, double seconds) {
    Incident incident = {0};
    if (t->settings.planted <= 0) return incident;
    size_t index = cycle_at(t, seconds);
    for (size_t back = 0; back <= QUIET_BEHIND && back <= index; back++)
        see_event(&t->cycles[index - back], index - back, seconds, &incident);
    return incident;
}

int part_arrived(const Timeline *t, uint64_t part) {
    const TimelineCycle *c = &t->cycles[part];
    return !c->has_event || (c->event != SCENE_DROPPED && c->event != SCENE_MISSED);
}

double part_angle(const Timeline *t, uint64_t part) {
    return 0.5 * normal_of(cycle_seed(t, part), PART_PLACE) * (0.2 + 4 * t->settings.jitter);
}

double part_tint(const Timeline *t, uint64_t part) {
    return 8 * t->settings.jitter * normal_of(cycle_seed(t, part), PART_PLACE + 1);
}
