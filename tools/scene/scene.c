/*
 * Renders a frame: the plate, then what lies low (belts, parts, the cup), the arm's shadow over both, then the arm.
 * What moves is drawn several times within the shutter's time and averaged. Light and noise come last.
 */
#include "scene/scene.h"

#include <stdlib.h>
#include <string.h>

#include "scene/plate.h"
#include "scene/random.h"
#include "scene/timeline.h"

enum { NOISE_TABLE = 1 << 17, MOST_SAMPLES = 10 };

struct Scene {
    SceneSettings settings;
    Timeline timeline;
    View view;
    Plate plate;
    Layer low, shadow, high, sample;
    float *luma, *blue, *red; /* the frame before light and noise; chroma of half size */
    uint8_t *pixels;
    DfyPicture picture;
    float noise[NOISE_TABLE + 1];
};

int scene_defaults(SceneSettings *s, const char *preset) {
    *s = (SceneSettings){.width = 640,
                         .height = 360,
                         .frame_rate_num = 30,
                         .frame_rate_den = 1,
                         .seed = 1,
                         .cycle_seconds = 4,
                         .jitter = .04,
                         .pause_chance = .15,
                         .noise = 1.2,
                         .light_drift = .012,
                         .moved_at = 6.5,
                         .shutter = .5};
    if (!strcmp(preset, "quiet")) {
        s->cycle_seconds = 6;
        s->jitter = .02;
        s->pause_chance = .4;
        s->noise = .8;
        return 0;
    }
    if (!strcmp(preset, "busy")) {
        s->cycle_seconds = 3.2;
        s->jitter = .08;
        s->extras = 1;
        return 0;
    }
    s->noise = 3.5;
    s->light_drift = .03;
    return strcmp(preset, "noisy") ? -1 : 0;
}

/* ---------------------------------------------------------------- drawing */

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
static void draw_part(const Scene *scene, Layer *layer, uint64_t number, double x, double y, double z, double turn) {
    const View *view = &scene->view;
    double angle = part_angle(&scene->timeline, number) + turn, size = 1 + 0.12 * z;
    double c = cos(angle) * size, s = sin(angle) * size;
    Material body = casting;
    body.luma += (float)part_tint(&scene->timeline, number);
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

static void draw_belt(const Scene *scene, Layer *layer, double left, double right, double travelled) {
    Material surface = rubber;
    surface.luma = 62;
    surface.stripe_width = 37; /* cleats: half a part's spacing */
    surface.slide = (float)-travelled;
    Shape belt = box((left + right) / 2, 236, (right - left) / 2, 22, 0, surface);
    belt.radius = 1;
    draw(layer, &scene->view, belt);
}

static void draw_belts(const Scene *scene, Layer *layer, const Pose *pose, double seconds) {
    (void)seconds;
    /* The texture repeats: the distance is kept small, so that it stays exact after hours. */
    double in = (double)(pose->cycle % 1024) + pose->belt_in, out = (double)(pose->cycle % 1024) + pose->belt_out;
    draw_belt(scene, layer, -40, 196, in * part_spacing);
    draw_belt(scene, layer, 446, 690, out * part_spacing);
    for (int i = pose->picked; i < 5; i++)
        draw_part(scene, layer, pose->cycle + (uint64_t)i, pick_point.x - (i - pose->belt_in) * part_spacing,
                  pick_point.y, 0, 0);
    for (int i = pose->placed ? 0 : 1; i < 5 && (uint64_t)i <= pose->cycle; i++)
        draw_part(scene, layer, pose->cycle - (uint64_t)i, place_point.x + (i + pose->belt_out) * part_spacing,
                  place_point.y, 0, 0);
}

static double slide_in(double seconds, double start, double length) {
    double x = (seconds - start) / length;
    return x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x);
}

/* Stands in one place, is pushed aside once, and stays. */
static void draw_cup(const Scene *scene, Layer *layer, double seconds) {
    double moved = scene->settings.moved_at < 0 ? 0 : slide_in(seconds, scene->settings.moved_at, 0.9);
    double x = 262 - 22 * moved, y = 318 + 14 * moved, a = 0.4 + 0.9 * moved;
    Material china = {212, 2, 0, 3, 6, .25f, .3f, 0, 0}, coffee = {46, -8, 12, 5, 4, 0, .2f, 0, 0};
    draw_low(layer, &scene->view, rod(x + 12 * cos(a), y + 12 * sin(a), x + 15 * cos(a), y + 15 * sin(a), 3, 3, china),
             4);
    draw_low(layer, &scene->view, rod(x, y, x, y, 12, 12, china), 9);
    draw(layer, &scene->view, rod(x, y, x, y, 9.5, 9.5, coffee));
}

static void draw_fan(const Scene *scene, Layer *layer, double seconds) {
    const View *view = &scene->view;
    const double x = 604, y = 26, turns = 6.283185307 * fmod(seconds * 1.7, 1);
    draw_low(layer, view, rod(x, y, x, y, 23, 23, (Material){52, 0, 0, 4, 3, .1f, .3f, 0, 0}), 5);
    for (int i = 0; i < 5; i++) {
        double a = turns + i * 1.2566;
        draw(layer, view, rod(x + 5 * cos(a), y + 5 * sin(a), x + 18 * cos(a), y + 18 * sin(a), 2.5, 5, steel));
    }
    draw(layer, view, rod(x, y, x, y, 5, 5, rubber));
}

static void draw_piston(const Scene *scene, Layer *layer, double seconds) {
    double out = 17 * (1 + sin(6.283185307 * seconds / 1.37)) / 2;
    Material body = {96, 14, -6, 6, 5, .4f, .3f, 0, 0};
    draw_low(layer, &scene->view, rod(30, 176, 62 + out, 176, 3, 3, steel), 3);
    draw_low(layer, &scene->view, box(62 + out, 176, 4, 11, 0, steel), 4);
    draw_low(layer, &scene->view, box(24, 176, 22, 13, 0, body), 8);
}

/* A driverless vehicle on the marked way, every 19 s, one way and back. */
static void draw_vehicle(const Scene *scene, Layer *layer, double seconds) {
    double trip = floor(seconds / 19), time = seconds - 19 * trip - 4;
    if (time < 0 || time > 9) return;
    double x = -90 + time * 92;
    if ((long)trip & 1) x = 640 - x;
    Material deck = {98, 22, -20, 9, 7, .05f, .3f, 0, 0}, load = {140, -18, 14, 14, 5, 0, .25f, 0, 0};
    draw_low(layer, &scene->view, box(x, 27, 44, 19, 0, deck), 9);
    draw_low(layer, &scene->view, box(x - 14, 26, 18, 13, 0.05, load), 8);
    draw_low(layer, &scene->view, box(x + 21, 28, 12, 12, -0.1, load), 6);
}

static void draw_signal(const Scene *scene, Layer *layer, double seconds) {
    int on = fmod(seconds, 1.1) < 0.45;
    Material glass =
        on ? (Material){214, -40, 46, 0, 1, .1f, .3f, 0, 0} : (Material){78, -12, 26, 0, 1, .1f, .3f, 0, 0};
    draw_low(layer, &scene->view, rod(512, 84, 512, 84, 6, 6, glass), 8);
}

static void draw_extras(const Scene *scene, Layer *layer, const Pose *pose, double seconds) {
    (void)pose;
    draw_cup(scene, layer, seconds);
    if (!scene->settings.extras) return;
    draw_vehicle(scene, layer, seconds);
    draw_fan(scene, layer, seconds);
    draw_piston(scene, layer, seconds);
    draw_signal(scene, layer, seconds);
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
static void draw_arm(const Scene *scene, Layer *layer, const Pose *pose, double seconds) {
    (void)seconds;
    const View *view = &scene->view;
    Point h = pose->hand, e = pose->elbow, s = shoulder;
    if (pose->carrying) draw_part(scene, layer, pose->cycle, h.x, h.y, 0.01 + pose->height, carried_turn(pose));
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
}

static void draw_arm_shadow(Scene *scene, const Pose *pose) {
    Point h = pose->hand, e = pose->elbow, s = shoulder;
    Shape upper = rod(s.x, s.y, e.x, e.y, 20, 17, steel), fore = rod(e.x, e.y, h.x, h.y, 15, 11, steel);
    Shape hand = rod(h.x, h.y, h.x, h.y, 20, 20, steel);
    float low = 6 + 12 * (float)pose->height;
    draw_shadow(&scene->shadow, &scene->view, &upper, 17, 24, 9, .42f);
    draw_shadow(&scene->shadow, &scene->view, &fore, 14, 20, 8, .42f);
    draw_shadow(&scene->shadow, &scene->view, &hand, 0.7f * low, low, 3 + 0.4f * low, .45f);
}

/* ---------------------------------------------------------------- a frame */

typedef void (*DrawThings)(const Scene *scene, Layer *layer, const Pose *pose, double seconds);

/* Averages what moves by far scene units while the shutter is open: a sample for every pixel and a half of the way. */
static void draw_blurred(Scene *scene, Layer *target, DrawThings things, double seconds, double open, double far) {
    int count = 1 + (int)(far * scene->view.scale / 1.5);
    if (count > MOST_SAMPLES) count = MOST_SAMPLES;
    for (int i = 0; i < count; i++) {
        double time = seconds + open * (i + 0.5) / count;
        Pose pose = timeline_pose(&scene->timeline, time);
        if (count == 1) {
            things(scene, target, &pose, time);
            return;
        }
        layer_clear(&scene->sample);
        things(scene, &scene->sample, &pose, time);
        layer_accumulate(target, &scene->sample, 1 / (float)count);
    }
}

static void draw_moving(Scene *scene, double seconds, double open) {
    Pose a = timeline_pose(&scene->timeline, seconds), b = timeline_pose(&scene->timeline, seconds + open);
    double belts = part_spacing * fmax(fabs(b.belt_in - a.belt_in), fabs(b.belt_out - a.belt_out));
    double hand = hypot(b.hand.x - a.hand.x, b.hand.y - a.hand.y);
    const double fastest_extra = 190; /* the fan's tips, in scene units a second */
    layer_clear(&scene->low);
    layer_clear(&scene->high);
    layer_clear(&scene->shadow);
    draw_blurred(scene, &scene->low, draw_belts, seconds, open, a.cycle == b.cycle ? belts : 0);
    draw_blurred(scene, &scene->low, draw_extras, seconds, open, scene->settings.extras ? fastest_extra * open : 0);
    draw_blurred(scene, &scene->high, draw_arm, seconds, open, hand);
    Pose middle = timeline_pose(&scene->timeline, seconds + open / 2);
    draw_arm_shadow(scene, &middle);
}

static void cover_row(float *value, const float *colour, const float *cover, int from, int to) {
    for (int x = from; x < to; x++) value[x] = value[x] * (1 - cover[x]) + colour[x];
}

/* One plane of the plate under the layers; shade: luma is darkened by the shadow, chroma keeps its colour. */
static void compose_row(const Scene *scene, float *row, int plane, int y) {
    const Layer *low = &scene->low, *high = &scene->high, *shadow = &scene->shadow;
    size_t at = (size_t)y * (size_t)scene->settings.width;
    const float *still = plane == 0 ? scene->plate.luma : plane == 1 ? scene->plate.blue : scene->plate.red;
    memcpy(row, still + at, (size_t)scene->settings.width * sizeof(float));
    const float *colour = plane == 0 ? low->luma : plane == 1 ? low->blue : low->red;
    if (y >= low->top && y < low->bottom) cover_row(row, colour + at, low->cover + at, low->left, low->right);
    if (plane == 0 && y >= shadow->top && y < shadow->bottom)
        for (int x = shadow->left; x < shadow->right; x++) row[x] *= 1 - shadow->cover[at + (size_t)x];
    colour = plane == 0 ? high->luma : plane == 1 ? high->blue : high->red;
    if (y >= high->top && y < high->bottom) cover_row(row, colour + at, high->cover + at, high->left, high->right);
}

/* Slow changes of each lamp: two incommensurate waves and the mains' share of both. */
static void lamp_levels(const Scene *scene, double seconds, float levels[LAMPS]) {
    for (int i = 0; i < LAMPS; i++) {
        double phase = 6.283185307 * uniform_of(scene->settings.seed, 50 + (uint64_t)i);
        double wave = 0.65 * sin(6.283185307 * seconds / (41 + 13 * i) + phase) +
                      0.35 * sin(6.283185307 * seconds / (9.7 + 3 * i));
        levels[i] = (float)(1 + 2 * scene->settings.light_drift * wave);
    }
}

static uint8_t to_level(float value) {
    return value <= 0 ? 0 : value >= 254.5f ? 255 : (uint8_t)(value + 0.5f);
}

/* Where in the table of noise a row begins. */
static const float *noise_row(const Scene *scene, uint64_t frame, int plane, int y) {
    uint64_t place = (frame * 3 + (uint64_t)plane) * 16384 + (uint64_t)y;
    return scene->noise + hash_of(scene->settings.seed ^ 0x5eed, place) % (NOISE_TABLE - 8192);
}

static void finish_luma(Scene *scene, uint64_t frame, const float levels[LAMPS]) {
    int width = scene->settings.width;
    const float ambient = 0.62f, sigma = (float)scene->settings.noise;
    for (int y = 0; y < scene->settings.height; y++) {
        float *row = scene->luma;
        compose_row(scene, row, 0, y);
        const float *noise = noise_row(scene, frame, 0, y);
        const float *one = scene->plate.lamp[0] + (size_t)y * (size_t)width,
                    *two = scene->plate.lamp[1] + (size_t)y * (size_t)width;
        uint8_t *out = scene->picture.plane[0] + y * scene->picture.stride_bytes[0];
        for (int x = 0; x < width; x++) {
            float lit = 16 + 0.86f * row[x] * (ambient + levels[0] * one[x] + levels[1] * two[x]);
            /* Light arrives in quanta: brighter pixels are noisier. */
            out[x] = to_level(lit + sigma * noise[x] * (0.6f + 0.0032f * lit));
        }
    }
}

static void finish_chroma(Scene *scene, uint64_t frame, int plane) {
    int width = scene->settings.width, height = scene->settings.height, half = (width + 1) / 2;
    float *rows[2] = {scene->luma, scene->luma + width};
    const float sigma = 0.55f * (float)scene->settings.noise;
    for (int y = 0; y < (height + 1) / 2; y++) {
        compose_row(scene, rows[0], plane, 2 * y);
        compose_row(scene, rows[1], plane, 2 * y + 1 < height ? 2 * y + 1 : 2 * y);
        const float *noise = noise_row(scene, frame, plane, y);
        uint8_t *out = scene->picture.plane[plane] + y * scene->picture.stride_bytes[plane];
        for (int x = 0; x < half; x++) {
            int left = 2 * x, right = 2 * x + 1 < width ? 2 * x + 1 : 2 * x;
            float mean = (rows[0][left] + rows[0][right] + rows[1][left] + rows[1][right]) / 4;
            out[x] = to_level(128 + mean + sigma * noise[x]);
        }
    }
}

const DfyPicture *scene_render(Scene *scene, uint64_t frame) {
    const SceneSettings *s = &scene->settings;
    double period = (double)s->frame_rate_den / s->frame_rate_num, seconds = (double)frame * period;
    double open = s->shutter * period;
    if (timeline_reach_time(&scene->timeline, seconds + period)) return NULL;
    draw_moving(scene, seconds, open);
    float levels[LAMPS];
    lamp_levels(scene, seconds, levels);
    finish_luma(scene, frame, levels);
    finish_chroma(scene, frame, 1);
    finish_chroma(scene, frame, 2);
    scene->picture.pts = (int64_t)frame;
    return &scene->picture;
}

int scene_cycle(Scene *scene, uint64_t index, SceneCycle *cycle) {
    if (timeline_reach_cycle(&scene->timeline, index)) return -1;
    const TimelineCycle *c = &scene->timeline.cycles[index];
    double rate = (double)scene->settings.frame_rate_num / scene->settings.frame_rate_den, end = c->end_of[PHASES - 1];
    *cycle = (SceneCycle){.start_seconds = c->start,
                          .seconds = end - c->start,
                          .pause_seconds = end - c->end_of[PHASES - 2],
                          .first_frame = (uint64_t)ceil(c->start * rate)};
    cycle->frames = (uint64_t)ceil(end * rate) - cycle->first_frame;
    return 0;
}

/* ---------------------------------------------------------------- opening and closing */

static int in_range(const SceneSettings *s) {
    return s->width >= 1 && s->height >= 1 && s->width <= DFY_MAX_DIMENSION && s->height <= DFY_MAX_DIMENSION &&
           s->frame_rate_num > 0 && s->frame_rate_den > 0 && s->cycle_seconds >= 0.2 && s->jitter >= 0 &&
           s->jitter <= 0.5 && s->noise >= 0 && s->noise <= 50 && s->light_drift >= 0 && s->light_drift <= 0.2 &&
           s->shutter >= 0 && s->shutter <= 1 && s->pause_chance >= 0 && s->pause_chance <= 1;
}

static int open_picture(Scene *scene) {
    int width = scene->settings.width, height = scene->settings.height, half = (width + 1) / 2;
    size_t luma = (size_t)width * (size_t)height, chroma = (size_t)half * (size_t)((height + 1) / 2);
    scene->luma = malloc(2 * (size_t)width * sizeof(float));
    scene->pixels = malloc(luma + 2 * chroma);
    scene->picture = (DfyPicture){.format = DFY_PIXELS_I420,
                                  .width = width,
                                  .height = height,
                                  .plane = {scene->pixels, scene->pixels + luma, scene->pixels + luma + chroma},
                                  .stride_bytes = {width, half, half},
                                  .matrix = DFY_MATRIX_UNKNOWN,
                                  .range = DFY_RANGE_LIMITED};
    return scene->luma && scene->pixels ? 0 : -1;
}

/* The cell fills the picture; what a wider or higher picture shows beyond it is more table and floor. */
static View view_of(int width, int height) {
    float scale = fmaxf((float)width / 640, (float)height / 360);
    return (View){scale, ((float)width - 640 * scale) / 2, ((float)height - 360 * scale) / 2};
}

Scene *scene_open(const SceneSettings *settings) {
    if (!in_range(settings)) return NULL;
    Scene *scene = calloc(1, sizeof *scene);
    if (!scene) return NULL;
    int width = settings->width, height = settings->height;
    scene->settings = scene->timeline.settings = *settings;
    scene->view = view_of(width, height);
    texture_prepare();
    for (int i = 0; i <= NOISE_TABLE; i++) scene->noise[i] = (float)normal_of(settings->seed ^ 0xa11ce, (uint64_t)i);
    if (open_picture(scene) || plate_open(&scene->plate, width, height, &scene->view, settings->seed) ||
        layer_open(&scene->low, width, height) || layer_open(&scene->high, width, height) ||
        layer_open(&scene->shadow, width, height) || layer_open(&scene->sample, width, height))
        scene_close(&scene);
    return scene;
}

void scene_close(Scene **scene) {
    if (!*scene) return;
    plate_close(&(*scene)->plate);
    layer_close(&(*scene)->low);
    layer_close(&(*scene)->high);
    layer_close(&(*scene)->shadow);
    layer_close(&(*scene)->sample);
    free((*scene)->timeline.cycles);
    free((*scene)->luma);
    free((*scene)->pixels);
    free(*scene);
    *scene = NULL;
}
