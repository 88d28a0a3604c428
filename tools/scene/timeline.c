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
enum { SPEED_PLACE = 0, PHASE_PLACE = 10, PATH_PLACE = 40, PAUSE_PLACE = 80, PART_PLACE = 90 };

static uint64_t cycle_seed(const Timeline *t, uint64_t index) {
    return hash_of(t->settings.seed, 1000 + index);
}

static void draw_cycle(const Timeline *t, uint64_t index, double start, TimelineCycle *cycle) {
    const SceneSettings *s = &t->settings;
    uint64_t seed = cycle_seed(t, index);
    double time = cycle->start = start;
    double slowness = exp(s->jitter * normal_of(seed, SPEED_PLACE));
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
    pose->carrying = phase >= LIFT && phase <= LOWER;
    pose->picked = phase >= LIFT;
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

double part_angle(const Timeline *t, uint64_t part) {
    return 0.5 * normal_of(cycle_seed(t, part), PART_PLACE) * (0.2 + 4 * t->settings.jitter);
}

double part_tint(const Timeline *t, uint64_t part) {
    return 8 * t->settings.jitter * normal_of(cycle_seed(t, part), PART_PLACE + 1);
}
