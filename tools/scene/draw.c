/* The shapes that a robot cell is made of. Lengths are in a 640 x 360 picture. */
#include "scene/draw.h"

#include <math.h>

static const Material arm_paint = {176, -64, 22, 5, 9, .55f, .35f, 0, 0};
static const Material arm_cover = {196, -30, 10, 4, 6, .35f, .3f, 0, 0};
static const Material steel = {150, 2, -2, 10, 3, .5f, .3f, 0, 0};
static const Material rubber = {44, 1, 0, 9, 3, .1f, .2f, 0, 0};
static const Material casting = {120, 10, -6, 12, 4, .12f, .35f, 0, 0};

static Shape rod(double x, double y, double x2, double y2, double radius, double radius2, Material material) {
    return (Shape){.x = (float)x,
                   .y = (float)y,
                   .x2 = (float)x2,
                   .y2 = (float)y2,
                   .radius = (float)radius,
                   .radius2 = (float)radius2,
                   .material = material};
}

static Shape box(double x, double y, double half_x, double half_y, double angle, Material material) {
    return (Shape){.kind = SHAPE_BOX,
                   .x = (float)x,
                   .y = (float)y,
                   .half_x = (float)half_x,
                   .half_y = (float)half_y,
                   .angle = (float)angle,
                   .radius = 2.5f,
                   .material = material};
}

static void draw(Layer *layer, const View *view, Shape shape) {
    draw_shape(layer, view, &shape);
}

static void draw_low(Layer *layer, const View *view, Shape shape, double height) {
    Shape shadow = shape;
    shadow.x += (float)(0.5 * height);
    shadow.x2 += (float)(0.5 * height);
    shadow.y += (float)(0.7 * height);
    shadow.y2 += (float)(0.7 * height);
    shadow.material = (Material){30, 0, 0, 0, 1, 0, 0, 0, 0};
    draw_shape(layer, view, &shadow);
    draw_shape(layer, view, &shape);
}

/* A cast part: a plate with a boss and two bores; z makes it grow as it comes nearer to the camera. */
static void draw_part(const Stage *stage, Layer *layer, uint64_t number, double x, double y, double z, double turn) {
    const View *view = &stage->view;
    double angle = part_angle(stage->timeline, number) + turn, size = 1 + 0.12 * z;
    double c = cos(angle) * size, s = sin(angle) * size;
    Material body = casting;
    body.luma += (float)part_tint(stage->timeline, number);
    body.slide = (float)(number % 97) * 31.0f;
    Shape base = box(x, y, 19 * size, 13 * size, angle, body);
    if (z > 0)
        draw(layer, view, base);
    else
        draw_low(layer, view, base, 4);
    draw(layer, view, rod(x, y, x, y, 7.5 * size, 7.5 * size, steel));
    draw(layer, view, rod(x, y, x, y, 3.4 * size, 3.4 * size, rubber));
    for (int side = -1; side <= 1; side += 2)
        draw(layer, view,
             rod(x + side * 13 * c, y + side * 13 * s, x + side * 13 * c, y + side * 13 * s, 2.2 * size, 2.2 * size,
                 rubber));
}

static void draw_belt(const Stage *stage, Layer *layer, double left, double right, double travelled) {
    Material surface = rubber;
    surface.luma = 62;
    surface.stripe_width = 37; /* cleats: half a part's spacing */
    surface.slide = (float)-travelled;
    Shape belt = box((left + right) / 2, 236, (right - left) / 2, 22, 0, surface);
    belt.radius = 1;
    draw(layer, &stage->view, belt);
}

/* The texture repeats: the distance a belt has gone is kept small, so that it stays exact after hours. */
static double travelled(const Pose *pose, double step) {
    return ((double)(pose->cycle % 1024) + step) * part_spacing;
}

void draw_first_belt(const Stage *stage, Layer *layer, const Pose *pose, double seconds) {
    (void)seconds;
    draw_belt(stage, layer, -40, 196, travelled(pose, pose->belt_in));
    double past = pick_point.x + pose->belt_in * part_spacing;
    for (int i = pose->picked || (pose->missed && past > 188); i < 5; i++)
        draw_part(stage, layer, pose->cycle + (uint64_t)i, pick_point.x - (i - pose->belt_in) * part_spacing,
                  pick_point.y, 0, 0);
}

void draw_second_belt(const Stage *stage, Layer *layer, const Pose *pose, double seconds) {
    (void)seconds;
    draw_belt(stage, layer, 446, 690, travelled(pose, pose->belt_out));
    for (int i = pose->placed ? 0 : 1; i < 5 && (uint64_t)i <= pose->cycle; i++)
        if (part_arrived(stage->timeline, pose->cycle - (uint64_t)i))
            draw_part(stage, layer, pose->cycle - (uint64_t)i, place_point.x + (i + pose->belt_out) * part_spacing,
                      place_point.y, 0, 0);
}

static double slide_in(double seconds, double start, double length) {
    double x = (seconds - start) / length;
    return x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x);
}

double cup_moved(const Stage *stage, double seconds) {
    double at = stage->timeline->settings.moved_at;
    return at < 0 ? 0 : slide_in(seconds, at, 0.9);
}

/* Stands in one place, is pushed aside once, and stays. */
static void draw_cup(const Stage *stage, Layer *layer, double seconds) {
    double moved = cup_moved(stage, seconds);
    double x = 262 - 22 * moved, y = 318 + 14 * moved, a = 0.4 + 0.9 * moved;
    Material china = {212, 2, 0, 3, 6, .25f, .3f, 0, 0}, coffee = {46, -8, 12, 5, 4, 0, .2f, 0, 0};
    draw_low(layer, &stage->view, rod(x + 12 * cos(a), y + 12 * sin(a), x + 15 * cos(a), y + 15 * sin(a), 3, 3, china),
             4);
    draw_low(layer, &stage->view, rod(x, y, x, y, 12, 12, china), 9);
    draw(layer, &stage->view, rod(x, y, x, y, 9.5, 9.5, coffee));
}

static void draw_fan(const Stage *stage, Layer *layer, double seconds) {
    const View *view = &stage->view;
    const double x = 604, y = 26, turns = 6.283185307 * fmod(seconds * 1.7, 1);
    draw_low(layer, view, rod(x, y, x, y, 23, 23, (Material){52, 0, 0, 4, 3, .1f, .3f, 0, 0}), 5);
    for (int i = 0; i < 5; i++) {
        double a = turns + i * 1.2566;
        draw(layer, view, rod(x + 5 * cos(a), y + 5 * sin(a), x + 18 * cos(a), y + 18 * sin(a), 2.5, 5, steel));
    }
    draw(layer, view, rod(x, y, x, y, 5, 5, rubber));
}

static void draw_piston(const Stage *stage, Layer *layer, double seconds) {
    double out = 17 * (1 + sin(6.283185307 * seconds / 1.37)) / 2;
    Material body = {96, 14, -6, 6, 5, .4f, .3f, 0, 0};
    draw_low(layer, &stage->view, rod(30, 176, 62 + out, 176, 3, 3, steel), 3);
    draw_low(layer, &stage->view, box(62 + out, 176, 4, 11, 0, steel), 4);
    draw_low(layer, &stage->view, box(24, 176, 22, 13, 0, body), 8);
}

/* A driverless vehicle on the marked way, every 19 s, one way and back. */
static void draw_vehicle(const Stage *stage, Layer *layer, double seconds) {
    double trip = floor(seconds / 19), time = seconds - 19 * trip - 4;
    if (time < 0 || time > 9) return;
    double x = -90 + time * 92;
    if ((long)trip & 1) x = 640 - x;
    Material deck = {98, 22, -20, 9, 7, .05f, .3f, 0, 0}, load = {140, -18, 14, 14, 5, 0, .25f, 0, 0};
    draw_low(layer, &stage->view, box(x, 27, 44, 19, 0, deck), 9);
    draw_low(layer, &stage->view, box(x - 14, 26, 18, 13, 0.05, load), 8);
    draw_low(layer, &stage->view, box(x + 21, 28, 12, 12, -0.1, load), 6);
}

static void draw_signal(const Stage *stage, Layer *layer, double seconds) {
    int on = fmod(seconds, 1.1) < 0.45;
    Material glass =
        on ? (Material){214, -40, 46, 0, 1, .1f, .3f, 0, 0} : (Material){78, -12, 26, 0, 1, .1f, .3f, 0, 0};
    draw_low(layer, &stage->view, rod(512, 84, 512, 84, 6, 6, glass), 8);
}

void draw_extras(const Stage *stage, Layer *layer, const Pose *pose, double seconds) {
    (void)pose;
    draw_cup(stage, layer, seconds);
    Incident incident = timeline_incident(stage->timeline, seconds);
    if (incident.fallen && !incident.holding)
        draw_part(stage, layer, incident.number, incident.part.x, incident.part.y, incident.height, incident.turn);
    if (!stage->timeline->settings.extras) return;
    draw_vehicle(stage, layer, seconds);
    draw_fan(stage, layer, seconds);
    draw_piston(stage, layer, seconds);
    draw_signal(stage, layer, seconds);
}

static double hand_angle(const Pose *pose) {
    return atan2(pose->hand.y - pose->elbow.y, pose->hand.x - pose->elbow.x);
}

/* Angle that the carried part turns by on its way, so that it arrives as the second belt wants it. */
static double carried_turn(const Pose *pose) {
    return 0.25 * sin((pose->hand.x - pick_point.x) / (place_point.x - pick_point.x) * 3.14159);
}

static void draw_fingers(const View *view, Layer *layer, const Pose *pose) {
    double angle = 1.5708 + carried_turn(pose), open = 25 - 4 * pose->grip, size = 1 + 0.1 * pose->height;
    for (int side = -1; side <= 1; side += 2) {
        double c = cos(angle) * side * open * size, s = sin(angle) * side * open * size * 0.62;
        draw(layer, view, box(pose->hand.x + c, pose->hand.y + s, 3.5, 7 * size, angle, steel));
        draw(layer, view, rod(pose->hand.x, pose->hand.y, pose->hand.x + c, pose->hand.y + s, 4, 3.4, arm_cover));
    }
}

/* From the table up: part, fingers, forearm, hand, upper arm with its joints. */
/* A sleeve that comes in over the lower edge, a hand and its fingers. */
static void draw_person(const Stage *stage, Layer *layer, const Incident *incident) {
    const View *view = &stage->view;
    Point h = incident->hand;
    Material skin = {158, -14, 22, 6, 5, .35f, .25f, 0, 0}, sleeve = {70, 22, -10, 10, 6, .45f, .3f, 0, 0};
    if (incident->holding) draw_part(stage, layer, incident->number, h.x, h.y - 6, incident->height, incident->turn);
    draw(layer, view, rod(h.x, h.y + 14, h.x + 22, h.y + 200, 12, 19, sleeve));
    draw(layer, view, rod(h.x, h.y, h.x + 1, h.y + 12, 11, 10, skin));
    for (int i = -1; i <= 2; i++)
        draw(layer, view, rod(h.x + 5 * i - 2, h.y - 4, h.x + 6.5 * i - 3, h.y - 16, 3, 2.6, skin));
}

void draw_arm(const Stage *stage, Layer *layer, const Pose *pose, double seconds) {
    const View *view = &stage->view;
    Point h = pose->hand, e = pose->elbow, s = shoulder;
    if (pose->carrying) draw_part(stage, layer, pose->cycle, h.x, h.y, 0.01 + pose->height, carried_turn(pose));
    draw_fingers(view, layer, pose);
    Material fore = arm_paint, upper = arm_paint;
    fore.slide = 300;
    upper.slide = 700;
    draw(layer, view, rod(e.x, e.y, h.x, h.y, 15, 11, fore));
    double a = hand_angle(pose);
    draw(layer, view, box((e.x + 2 * h.x) / 3, (e.y + 2 * h.y) / 3, 17, 5, a, arm_cover));
    draw(layer, view, rod(h.x, h.y, h.x, h.y, 12, 12, arm_cover));
    draw(layer, view, rod(h.x, h.y, h.x, h.y, 6.5, 6.5, steel));
    draw(layer, view, rod(s.x, s.y, e.x, e.y, 20, 17, upper));
    double b = atan2(e.y - s.y, e.x - s.x);
    Material label = {60, 2, -1, 26, 3, 0, .2f, 4, 0};
    draw(layer, view, box((s.x + e.x) / 2, (s.y + e.y) / 2, 24, 6, b, arm_cover));
    draw(layer, view, box((s.x + e.x) / 2, (s.y + e.y) / 2, 17, 3, b, label));
    draw(layer, view, rod(e.x, e.y, e.x, e.y, 15, 15, arm_cover));
    draw(layer, view, rod(e.x, e.y, e.x, e.y, 6, 6, rubber));
    draw(layer, view, rod(s.x, s.y, s.x, s.y, 22, 22, arm_cover));
    draw(layer, view, rod(s.x, s.y, s.x, s.y, 10, 10, steel));
    Incident incident = timeline_incident(stage->timeline, seconds);
    if (incident.reaching) draw_person(stage, layer, &incident);
}

void draw_shadows(const Stage *stage, Layer *shadow, const Pose *pose, double seconds) {
    Point h = pose->hand, e = pose->elbow, s = shoulder;
    Shape upper = rod(s.x, s.y, e.x, e.y, 20, 17, steel), fore = rod(e.x, e.y, h.x, h.y, 15, 11, steel);
    Shape hand = rod(h.x, h.y, h.x, h.y, 20, 20, steel);
    float low = 6 + 12 * (float)pose->height;
    draw_shadow(shadow, &stage->view, &upper, 17, 24, 9, .42f);
    draw_shadow(shadow, &stage->view, &fore, 14, 20, 8, .42f);
    draw_shadow(shadow, &stage->view, &hand, 0.7f * low, low, 3 + 0.4f * low, .45f);
    Incident incident = timeline_incident(stage->timeline, seconds);
    if (!incident.reaching) return;
    Point p = incident.hand;
    Shape sleeve = rod(p.x, p.y + 4, p.x + 22, p.y + 200, 12, 19, steel);
    draw_shadow(shadow, &stage->view, &sleeve, 9, 13, 7, .4f);
}
