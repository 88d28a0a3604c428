/* `build/scene`: renders the test scene to Y4M, and writes where its cycles truly are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diffy/cli.h"
#include "diffy/meaning.h"
#include "diffy/y4m.h"
#include "scene/scene.h"

typedef struct SceneOptions {
    SceneSettings settings;
    const char *preset, *size, *cycles_path, *events_path;
    double fps, seconds, jitter_percent, drift_percent;
    int first, frames, seed, extras, only_truth;
} SceneOptions;

static const char usage_text[] =
    "Renders a robot cell seen by a fixed camera: an arm takes parts from one belt to another in cycles. The same\n"
    "options always give the same video. Presets: quiet (few movements, little noise), busy (short cycles, more that\n"
    "moves), noisy (a noisy sensor, restless light).\n"
    "OUTPUT  .y4m, or - for stdout\n";

/* The preset fills the settings before the other options change them, wherever it stands. */
static int find_preset(SceneOptions *o, int argc, char **argv) {
    o->preset = "quiet";
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--preset") && i + 1 < argc) o->preset = argv[i + 1];
        if (!strncmp(argv[i], "--preset=", 9)) o->preset = argv[i] + 9;
    }
    return scene_defaults(&o->settings, o->preset)
               ? complain_usage("There is no preset \"%s\": choose quiet, busy or noisy.", o->preset)
               : PARSE_GO_ON;
}

static int parse(SceneOptions *o, int argc, char **argv, const char **output) {
    SceneSettings *s = &o->settings;
    int status = find_preset(o, argc, argv);
    if (status != PARSE_GO_ON) return status;
    o->jitter_percent = 100 * s->jitter;
    o->drift_percent = 100 * s->light_drift;
    o->frames = 300;
    o->seed = 1;
    const Option options[] = {
        {"--preset", NULL, OPTION_TEXT, &o->preset, "quiet|busy|noisy", "what the other options start from", 0, 0},
        {"--size", NULL, OPTION_TEXT, &o->size, "WxH", "picture size (default 640x360)", 0, 0},
        {"--first", NULL, OPTION_INT, &o->first, "N", "begins with frame N of the recording (default 0)", 0,
         INT32_MAX / 2},
        {"--frames", NULL, OPTION_INT, &o->frames, "N", "length (default 300)", 1, INT32_MAX},
        {"--seconds", NULL, OPTION_NUMBER, &o->seconds, "S", "length in time, instead of --frames", 0.001, 1e7},
        {"--fps", NULL, OPTION_NUMBER, &o->fps, "F", "frame rate (default 30)", 0.01, 1000},
        {"--seed", NULL, OPTION_INT, &o->seed, "N", "another seed, another recording (default 1)", 0, INT32_MAX},
        {"--cycle", NULL, OPTION_NUMBER, &s->cycle_seconds, "S", "mean length of a cycle", 0.2, 1e5},
        {"--jitter", NULL, OPTION_NUMBER, &o->jitter_percent, "PERCENT", "how much cycles differ in speed and path", 0,
         50},
        {"--pauses", NULL, OPTION_NUMBER, &s->pause_chance, "CHANCE", "of a pause behind a cycle, 0 to 1", 0, 1},
        {"--noise", NULL, OPTION_NUMBER, &s->noise, "SIGMA", "of the sensor, in levels", 0, 50},
        {"--drift", NULL, OPTION_NUMBER, &o->drift_percent, "PERCENT", "slow change of the light", 0, 20},
        {"--moved-at", NULL, OPTION_NUMBER, &s->moved_at, "S", "when the cup is moved (-1: never)", -1, 1e7},
        {"--shutter", NULL, OPTION_NUMBER, &s->shutter, "SHARE", "of a frame's time, for motion blur", 0, 1},
        {"--extras", NULL, OPTION_FLAG, &o->extras, NULL, "fan, lamp, piston and vehicle (as busy has them)", 0, 0},
        {"--planted", NULL, OPTION_NUMBER, &s->planted, "CHANCE",
         "of an event in a cycle, 0 to 1: a part dropped, a hand in the way, a slow cycle, a missed pick", 0, 1},
        {"--events", NULL, OPTION_TEXT, &o->events_path, "FILE", "writes the true events, as .csv or .json", 0, 0},
        {"--only-truth", NULL, OPTION_FLAG, &o->only_truth, NULL,
         "writes cycles and events alone; OUTPUT stays as it is", 0, 0},
        {"--cycles", NULL, OPTION_TEXT, &o->cycles_path, "FILE", "writes the true cycles, as .csv or .json", 0, 0},
    };
    const Usage usage = {"scene [options] OUTPUT.y4m", usage_text, options, sizeof options / sizeof *options, 1, 1};
    return parse_options(&usage, argc, argv, output);
}

static int settle(SceneOptions *o) {
    SceneSettings *s = &o->settings;
    s->seed = (uint64_t)o->seed;
    s->jitter = o->jitter_percent / 100;
    s->light_drift = o->drift_percent / 100;
    s->extras |= o->extras;
    if (o->fps > 0) rate_from_number(o->fps, &s->frame_rate_num, &s->frame_rate_den);
    char rest;
    if (o->size && (sscanf(o->size, "%dx%d%c", &s->width, &s->height, &rest) != 2 || s->width < 1 || s->height < 1 ||
                    s->width > DFY_MAX_DIMENSION || s->height > DFY_MAX_DIMENSION))
        return complain_usage("--size %s is not WIDTHxHEIGHT, each from 1 to %d.", o->size, DFY_MAX_DIMENSION);
    if (o->seconds > 0) {
        double frames = o->seconds * s->frame_rate_num / s->frame_rate_den + 0.5;
        o->frames = frames < 1 ? 1 : frames > INT32_MAX ? INT32_MAX : (int)frames;
    }
    return STATUS_GOOD;
}

/* Every cycle that begins within the recording, the last one cut to it. */
static void write_cycle_list(FILE *stream, Scene *scene, uint64_t frames, int json) {
    SceneCycle c;
    fputs(json ? "[" : "cycle,first_frame,frames,start_seconds,seconds,pause_seconds\n", stream);
    for (uint64_t i = 0; !scene_cycle(scene, i, &c) && c.first_frame < frames; i++) {
        uint64_t count = c.first_frame + c.frames > frames ? frames - c.first_frame : c.frames;
        const char *row = json ? "%s\n  {\"cycle\": %" PRIu64 ", \"first_frame\": %" PRIu64 ", \"frames\": %" PRIu64
                                 ", \"start_seconds\": %.6f, \"seconds\": %.6f, \"pause_seconds\": %.6f}"
                               : "%s%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%.6f\n";
        fprintf(stream, row, json && i ? "," : "", i, c.first_frame, count, c.start_seconds, c.seconds,
                c.pause_seconds);
    }
    if (json) fputs("\n]\n", stream);
}

/* Every event that begins within the recording, also where it goes on beyond it. */
static void write_event_list(FILE *stream, Scene *scene, uint64_t frames, int json) {
    SceneCycle c;
    SceneEvent e;
    int count = 0;
    fputs(json ? "[" : "event,cycle,first_frame,frames,aftermath_frames,start_seconds,seconds,left,top,right,bottom\n",
          stream);
    for (uint64_t i = 0; !scene_cycle(scene, i, &c) && c.first_frame < frames; i++) {
        if (scene_event(scene, i, &e) < 1 || e.first_frame >= frames) continue;
        const char *row = json ? "%s\n  {\"event\": \"%s\", \"cycle\": %" PRIu64 ", \"first_frame\": %" PRIu64
                                 ", \"frames\": %" PRIu64 ", \"aftermath_frames\": %" PRIu64
                                 ", \"start_seconds\": %.6f, \"seconds\": %.6f, \"left\": %d, \"top\": %d"
                                 ", \"right\": %d, \"bottom\": %d}"
                               : "%s%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%d,%d,%d,%d\n";
        fprintf(stream, row, json && count++ ? "," : "", scene_event_name(e.kind), e.cycle, e.first_frame, e.frames,
                e.aftermath_frames, e.start_seconds, e.seconds, e.left, e.top, e.right, e.bottom);
    }
    if (json) fputs("\n]\n", stream);
}

typedef void (*WriteList)(FILE *stream, Scene *scene, uint64_t frames, int json);

static int write_truth(const char *path, WriteList list, Scene *scene, uint64_t frames) {
    OutputFile file;
    if (!path) return STATUS_GOOD;
    if (output_open(&file, path)) return STATUS_FAILED;
    list(file.stream, scene, frames, has_extension(path, "json"));
    return output_keep(&file);
}

static int render(Scene *scene, const SceneOptions *o, OutputFile *file) {
    const SceneSettings *s = &o->settings;
    SourceFacts facts = {.width = s->width,
                         .height = s->height,
                         .rate_num = s->frame_rate_num,
                         .rate_den = s->frame_rate_den,
                         .matrix = DFY_MATRIX_UNKNOWN};
    colour_settle(&facts,
                  facts.height); /* grey, and tints that look well under either matrix: told as readers take it */
    if (y4m_write_header(file->stream, &facts)) return complain("%s can't be written.", file->path);
    for (int i = 0; i < o->frames && !interrupted(); i++) {
        const DfyPicture *picture = scene_render(scene, (uint64_t)o->first + (uint64_t)i);
        if (!picture) return complain("There is no memory left for frame %d.", i);
        if (y4m_write_picture(file->stream, picture))
            return complain("%s can't be written: is the disk full?", file->path);
    }
    return output_keep(file);
}

int main(int argc, char **argv) {
    messages_from("scene");
    SceneOptions o = {0};
    const char *output;
    int status = parse(&o, argc - 1, argv + 1, &output);
    if (status == PARSE_GO_ON)
        status = settle(&o);
    else
        return status;
    if (status) return status;
    Scene *scene = scene_open(&o.settings);
    if (!scene)
        return complain("There is no memory left for pictures of %d x %d pixels.", o.settings.width, o.settings.height);
    status = write_truth(o.cycles_path, write_cycle_list, scene, (uint64_t)o.frames);
    if (!status) status = write_truth(o.events_path, write_event_list, scene, (uint64_t)o.frames);
    if (o.only_truth) {
        scene_close(&scene);
        return status;
    }
    OutputFile file = {0};
    interrupt_watch();
    if (!status) status = output_open(&file, output);
    if (!status) status = render(scene, &o, &file);
    output_drop(&file);
    scene_close(&scene);
    return status;
}
