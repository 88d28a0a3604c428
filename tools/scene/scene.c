/*
 * Renders a frame: the plate, then what lies low (belts, parts, the cup), the arm's shadow over both, then the arm.
 * What moves is drawn several times within the shutter's time and averaged. Light and noise come last.
 */
#include "scene/scene.h"

#include <stdlib.h>
#include <string.h>

#include "scene/draw.h"
#include "scene/plate.h"
#include "scene/random.h"
#include "scene/rows.h"

enum { NOISE_TABLE = 1 << 17, MOST_SAMPLES = 10, BAND_ROWS = 96, AFTERMATH_CYCLES = 3 };

/* What a layer shows, where it is one sample. */
typedef struct Moment {
    int known;
    Pose pose;
    Incident incident;
    double cup;
} Moment;

struct Scene {
    SceneSettings settings;
    Timeline timeline;
    Stage stage;
    Plate plate;
    const RowKernels *rows;
    Layer low, shadow, high, sample;
    Moment low_shows, high_shows;
    float *values; /* composed, before light and noise: three rows */
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

/* ---------------------------------------------------------------- a frame */

/* Averages what moves by far scene units while the shutter is open: a sample for every pixel and a half of the way. */
static int sample_count(const Scene *scene, double far) {
    int count = 1 + (int)(far * scene->stage.view.scale / 1.5);
    return count > MOST_SAMPLES ? MOST_SAMPLES : count;
}

/* How often the moment is taken while the shutter is open, and whether anything is another from one time to the next.
 */
typedef struct Blur {
    double seconds, open;
    int count, moves;
} Blur;

static Blur blur_of(const Scene *scene, double seconds, double open, double far, int moves) {
    return (Blur){seconds, open, sample_count(scene, far), moves};
}

static void draw_moment(Scene *scene, Layer *layer, DrawThings things, const Blur *blur, int i) {
    double time = blur->seconds + blur->open * (i + 0.5) / blur->count;
    Pose pose = timeline_pose(&scene->timeline, time);
    things(&scene->stage, layer, &pose, time);
}

/* Some rows at a time, so that they stay near to the processor while the samples are summed. */
static void draw_blurred(Scene *scene, Layer *target, DrawThings things, const Blur *blur) {
    Layer *sample = &scene->sample;
    if (blur->count == 1) {
        draw_moment(scene, target, things, blur, 0);
        return;
    }
    for (int y = 0; y < sample->height; y += BAND_ROWS) {
        sample->first = y;
        sample->last = y + BAND_ROWS < sample->height ? y + BAND_ROWS : sample->height;
        for (int i = 0; i < blur->count; i++) {
            if (!i || blur->moves) draw_moment(scene, sample, things, blur, i);
            if (blur->moves || i + 1 == blur->count)
                layer_move(target, sample, 1 / (float)blur->count);
            else
                layer_accumulate(target, sample, 1 / (float)blur->count);
        }
    }
}

static int same_incident(const Incident *a, const Incident *b) {
    return a->fallen == b->fallen && a->reaching == b->reaching && a->holding == b->holding && a->part.x == b->part.x &&
           a->part.y == b->part.y && a->hand.x == b->hand.x && a->hand.y == b->hand.y && a->height == b->height &&
           a->turn == b->turn && a->number == b->number;
}

static int same_arm(const Pose *a, const Pose *b) {
    return a->hand.x == b->hand.x && a->hand.y == b->hand.y && a->height == b->height && a->grip == b->grip &&
           a->carrying == b->carrying && (!a->carrying || a->cycle == b->cycle);
}

static int same_belts(const Pose *a, const Pose *b) {
    return a->cycle == b->cycle && a->picked == b->picked && a->placed == b->placed && a->missed == b->missed &&
           a->belt_in == b->belt_in && a->belt_out == b->belt_out;
}

/* What one sample shows; layers are drawn anew only when it has become another, or there are more samples than one. */
static Moment moment_at(const Scene *scene, double seconds) {
    return (Moment){.known = 1,
                    .pose = timeline_pose(&scene->timeline, seconds),
                    .incident = timeline_incident(&scene->timeline, seconds),
                    .cup = cup_moved(&scene->stage, seconds)};
}

static void draw_low(Scene *scene, const Blur *first, const Blur *second, const Blur *extras) {
    Moment now = moment_at(scene, first->seconds + first->open * 0.5), *drawn = &scene->low_shows;
    int still = first->count == 1 && extras->count == 1 && !scene->settings.extras;
    if (still && drawn->known && same_belts(&drawn->pose, &now.pose) && drawn->cup == now.cup &&
        same_incident(&drawn->incident, &now.incident))
        return;
    layer_clear(&scene->low);
    draw_blurred(scene, &scene->low, draw_first_belt, first);
    draw_blurred(scene, &scene->low, draw_second_belt, second);
    draw_blurred(scene, &scene->low, draw_extras, extras);
    *drawn = now;
    drawn->known = still;
}

static void draw_high(Scene *scene, const Blur *blur) {
    double middle = blur->seconds + blur->open / 2;
    Moment now = moment_at(scene, middle), *drawn = &scene->high_shows;
    if (blur->count == 1 && drawn->known && same_arm(&drawn->pose, &now.pose) &&
        same_incident(&drawn->incident, &now.incident))
        return;
    layer_clear(&scene->high);
    layer_clear(&scene->shadow);
    draw_blurred(scene, &scene->high, draw_arm, blur);
    draw_shadows(&scene->stage, &scene->shadow, &now.pose, middle);
    *drawn = now;
    drawn->known = blur->count == 1;
}

static void draw_moving(Scene *scene, double seconds, double open) {
    const Timeline *t = &scene->timeline;
    Pose a = timeline_pose(t, seconds), b = timeline_pose(t, seconds + open);
    Incident c = timeline_incident(t, seconds), d = timeline_incident(t, seconds + open);
    double belts = part_spacing * fmax(fabs(b.belt_in - a.belt_in), fabs(b.belt_out - a.belt_out));
    double hand = hypot(b.hand.x - a.hand.x, b.hand.y - a.hand.y);
    double person = c.reaching && d.reaching ? hypot(d.hand.x - c.hand.x, d.hand.y - c.hand.y) : 0;
    const double fastest_extra = 190; /* the fan's tips, in scene units a second */
    int one = a.cycle == b.cycle, first = !one || a.belt_in != b.belt_in || a.picked != b.picked;
    int second = !one || a.belt_out != b.belt_out || a.placed != b.placed;
    Blur in = blur_of(scene, seconds, open, one ? belts : 0, first);
    Blur out = blur_of(scene, seconds, open, one ? belts : 0, second);
    Blur extras = blur_of(scene, seconds, open, scene->settings.extras ? fastest_extra * open : 0, 1);
    Blur arm = blur_of(scene, seconds, open, fmax(hand, person), 1);
    draw_low(scene, &in, &out, &extras);
    draw_high(scene, &arm);
}

/* The columns of a row that the layers touch. */
static LayerRow touched(const Scene *scene, int y) {
    LayerRow a = layer_row(&scene->low, y), b = layer_row(&scene->high, y), c = layer_row(&scene->shadow, y);
    LayerRow all = {a.left < b.left ? a.left : b.left, a.right > b.right ? a.right : b.right};
    if (c.left < all.left) all.left = c.left;
    if (c.right > all.right) all.right = c.right;
    return all;
}

/* A layer over a row; values and below are at column `from` of the picture. */
static void cover(const Scene *scene, float *values, const float *below, int from, const Layer *layer,
                  const float *colour, int y) {
    LayerRow row = layer_row(layer, y);
    size_t at = (size_t)y * (size_t)layer->width + (size_t)row.left;
    if (row.left < row.right)
        scene->rows->cover(values + row.left - from, below + row.left - from, colour + at, layer->cover + at,
                           row.right - row.left);
}

static const float *plane_of(const Layer *layer, int plane) {
    return plane == 0 ? layer->luma : plane == 1 ? layer->blue : layer->red;
}

/* Part of one plane of the plate under the layers; luma is darkened by the shadow, chroma keeps its colour. */
static void compose(const Scene *scene, float *values, int plane, int y, LayerRow part) {
    const Layer *low = &scene->low, *high = &scene->high, *shadow = &scene->shadow;
    const float *still = plane == 0 ? scene->plate.luma : plane == 1 ? scene->plate.blue : scene->plate.red;
    if (part.left >= part.right) return;
    LayerRow row = layer_row(low, y), dark = layer_row(shadow, y);
    if (row.left >= row.right) row = (LayerRow){part.right, part.right};
    still += (size_t)y * (size_t)low->width + (size_t)part.left;
    memcpy(values, still, (size_t)(row.left - part.left) * sizeof(float));
    cover(scene, values, still, part.left, low, plane_of(low, plane), y);
    int done = row.right - part.left;
    memcpy(values + done, still + done, (size_t)(part.right - row.right) * sizeof(float));
    if (plane == 0 && dark.left < dark.right)
        scene->rows->darken(values + dark.left - part.left,
                            shadow->cover + (size_t)y * (size_t)low->width + (size_t)dark.left, dark.right - dark.left);
    cover(scene, values, values, part.left, high, plane_of(high, plane), y);
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

/* Where in the table of noise a row begins. */
static const float *noise_row(const Scene *scene, uint64_t frame, int plane, int y) {
    uint64_t place = (frame * 3 + (uint64_t)plane) * 16384 + (uint64_t)y;
    return scene->noise + hash_of(scene->settings.seed ^ 0x5eed, place) % (NOISE_TABLE - 8192);
}

static void light_luma(const Scene *scene, const float *values, const float levels[LAMPS], const float *noise, int y,
                       int left, int right) {
    size_t at = (size_t)y * (size_t)scene->settings.width + (size_t)left;
    LumaRow row = {.value = values,
                   .one = scene->plate.lamp[0] + at,
                   .two = scene->plate.lamp[1] + at,
                   .noise = noise + left,
                   .level_one = levels[0],
                   .level_two = levels[1],
                   .sigma = (float)scene->settings.noise};
    if (left < right)
        scene->rows->luma(dfy_picture_pixels(&scene->picture, 0) + y * scene->picture.stride_bytes[0] + left, &row,
                          right - left);
}

/* The plate as it is, but for the part that the layers touch. */
static void finish_luma(Scene *scene, uint64_t frame, const float levels[LAMPS]) {
    int width = scene->settings.width;
    for (int y = 0; y < scene->settings.height; y++) {
        const float *still = scene->plate.luma + (size_t)y * (size_t)width, *noise = noise_row(scene, frame, 0, y);
        LayerRow part = touched(scene, y);
        if (part.left >= part.right) part = (LayerRow){width, width};
        compose(scene, scene->values, 0, y, part);
        light_luma(scene, still, levels, noise, y, 0, part.left);
        light_luma(scene, scene->values, levels, noise, y, part.left, part.right);
        light_luma(scene, still + part.right, levels, noise, y, part.right, width);
    }
}

/* The means of 2 x 2 composed pixels from column first to last of the chroma plane. */
static void mean_of(const float *const rows[2], float *mean, int first, int last, int left, int width) {
    for (int x = first; x < last; x++) {
        int a = 2 * x - left, b = (2 * x + 1 < width ? 2 * x + 1 : 2 * x) - left;
        mean[x] = (rows[0][a] + rows[0][b] + rows[1][a] + rows[1][b]) / 4;
    }
}

static void finish_chroma(Scene *scene, uint64_t frame, int plane) {
    int width = scene->settings.width, height = scene->settings.height, half = (width + 1) / 2;
    const float *still = plane == 1 ? scene->plate.half_blue : scene->plate.half_red;
    float *rows[2] = {scene->values, scene->values + width}, *mean = scene->values + 2 * width;
    const float sigma = 0.55f * (float)scene->settings.noise;
    for (int y = 0; y < (height + 1) / 2; y++, still += half) {
        int below = 2 * y + 1 < height ? 2 * y + 1 : 2 * y;
        LayerRow a = touched(scene, 2 * y), b = touched(scene, below);
        LayerRow part = {(a.left < b.left ? a.left : b.left) & ~1, a.right > b.right ? a.right : b.right};
        int first = part.left / 2, last = (part.right + 1) / 2;
        part.right = 2 * last < width ? 2 * last : width;
        const float *noise = noise_row(scene, frame, plane, y);
        uint8_t *out = dfy_picture_pixels(&scene->picture, plane) + y * scene->picture.stride_bytes[plane];
        if (first >= last) first = last = half;
        if (first < last) {
            compose(scene, rows[0], plane, 2 * y, part);
            compose(scene, rows[1], plane, below, part);
            mean_of((const float *const[]){rows[0], rows[1]}, mean, first, last, part.left, width);
        }
        scene->rows->chroma(out, still, noise, sigma, first);
        scene->rows->chroma(out + first, mean + first, noise + first, sigma, last - first);
        scene->rows->chroma(out + last, still + last, noise + last, sigma, half - last);
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

const char *scene_event_name(SceneEventKind kind) {
    static const char *const names[] = {"dropped", "hand", "slow", "missed"};
    return names[kind];
}

/* Where an event is seen, in scene units: left, top, right, bottom. */
static void event_area(const TimelineCycle *c, double area[4]) {
    double reach = c->event == SCENE_DROPPED ? 32 : 44, x = c->event_x, y = c->event_y;
    const double own[4] = {x - reach, y - 34, x + reach + 24, 360}, arm[4] = {110, 70, 530, 290};
    memcpy(area, c->event == SCENE_DROPPED || c->event == SCENE_HAND ? own : arm, sizeof own);
}

int scene_event(Scene *scene, uint64_t index, SceneEvent *event) {
    if (timeline_reach_cycle(&scene->timeline, index + AFTERMATH_CYCLES)) return -1;
    const TimelineCycle *c = &scene->timeline.cycles[index];
    const View *view = &scene->stage.view;
    double rate = (double)scene->settings.frame_rate_num / scene->settings.frame_rate_den, area[4];
    if (!c->has_event) return 0;
    *event = (SceneEvent){.kind = c->event,
                          .cycle = index,
                          .start_seconds = c->event_start,
                          .seconds = c->event_end - c->event_start,
                          .first_frame = (uint64_t)ceil(c->event_start * rate)};
    event->frames = (uint64_t)ceil(c->event_end * rate) - event->first_frame;
    double gone = scene->timeline.cycles[index + AFTERMATH_CYCLES].end_of[PHASES - 1];
    if (!part_arrived(&scene->timeline, index) && gone > c->event_end)
        event->aftermath_frames = (uint64_t)ceil(gone * rate) - event->first_frame - event->frames;
    event_area(c, area);
    int *side[4] = {&event->left, &event->top, &event->right, &event->bottom};
    for (int i = 0; i < 4; i++) {
        double at = area[i] * view->scale + (i & 1 ? view->offset_y : view->offset_x);
        int most = i & 1 ? scene->settings.height : scene->settings.width;
        *side[i] = at < 0 ? 0 : at > most ? most : (int)at;
    }
    return 1;
}

/* ---------------------------------------------------------------- opening and closing */

static int in_range(const SceneSettings *s) {
    return s->width >= 1 && s->height >= 1 && s->width <= DFY_MAX_DIMENSION && s->height <= DFY_MAX_DIMENSION &&
           s->frame_rate_num > 0 && s->frame_rate_den > 0 && s->cycle_seconds >= 0.2 && s->jitter >= 0 &&
           s->jitter <= 0.5 && s->noise >= 0 && s->noise <= 50 && s->light_drift >= 0 && s->light_drift <= 0.2 &&
           s->shutter >= 0 && s->shutter <= 1 && s->pause_chance >= 0 && s->pause_chance <= 1 && s->planted >= 0 &&
           s->planted <= 1;
}

static int open_picture(Scene *scene) {
    int width = scene->settings.width, height = scene->settings.height, half = (width + 1) / 2;
    size_t luma = (size_t)width * (size_t)height, chroma = (size_t)half * (size_t)((height + 1) / 2);
    scene->values = malloc(3 * (size_t)width * sizeof(float));
    scene->pixels = malloc(luma + 2 * chroma);
    scene->picture = (DfyPicture){.format = DFY_PIXELS_I420,
                                  .width = width,
                                  .height = height,
                                  .plane = {scene->pixels, scene->pixels + luma, scene->pixels + luma + chroma},
                                  .stride_bytes = {width, half, half},
                                  .matrix = DFY_MATRIX_UNKNOWN,
                                  .range = DFY_RANGE_LIMITED};
    return scene->values && scene->pixels ? 0 : -1;
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
    scene->stage = (Stage){&scene->timeline, view_of(width, height)};
    scene->rows = rows_best();
    texture_prepare();
    for (int i = 0; i <= NOISE_TABLE; i++) scene->noise[i] = (float)normal_of(settings->seed ^ 0xa11ce, (uint64_t)i);
    if (open_picture(scene) || plate_open(&scene->plate, width, height, &scene->stage.view, settings->seed) ||
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
    free((*scene)->values);
    free((*scene)->pixels);
    free(*scene);
    *scene = NULL;
}
