#include "splat_unseen.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
    AROUND = 48,     /* cameras */
    AROUND_PX = 400, /* their pictures */
    MOST_PX = 512,   /* longer side of the pictures of cameras that are given; larger ones are made smaller */
    MOST_CAMERAS = 4096,
    COMPARED = 4 /* frames whose pictures with and without what is dropped are compared, evenly spread */
};

struct SplatUnseen {
    DfySplatCamera *cameras;
    int count, around;
    double least;
    float *seen; /* over all models looked at */
    uint8_t *kept;
    uint32_t splats; /* of each model */
    int differ;      /* models have different counts */
    uint64_t frames, given, dropped, all, outside;
    float *pictures[2];
    double squares, worst; /* sum over pictures of the mean squared error, and the largest */
    uint64_t compared;
};

/* ---------------------------------------------------------------- cameras */

static int numbers_of(const cJSON *array, double *numbers, int count) {
    if (cJSON_GetArraySize(array) != count) return 0;
    for (int i = 0; i < count; i++) {
        const cJSON *item = cJSON_GetArrayItem(array, i);
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return 0;
        numbers[i] = item->valuedouble;
    }
    return 1;
}

/* One of INRIA's: "rotation" turns the camera's axes into the model's. */
static int read_camera(DfySplatCamera *camera, const cJSON *json) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rotation");
    double width = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "width"));
    double height = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "height"));
    double fx = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "fx"));
    double fy = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "fy"));
    if (!(width >= 1 && width <= 1e5 && height >= 1 && height <= 1e5 && fx > 0 && fx < 1e7 && fy > 0 && fy < 1e7) ||
        !numbers_of(cJSON_GetObjectItemCaseSensitive(json, "position"), camera->position, 3) ||
        cJSON_GetArraySize(rows) != 3)
        return 0;
    for (int i = 0; i < 3; i++) {
        double row[3];
        if (!numbers_of(cJSON_GetArrayItem(rows, i), row, 3)) return 0;
        for (int k = 0; k < 3; k++) camera->turn[k * 3 + i] = row[k];
    }
    double part = fmin(1, MOST_PX / fmax(width, height));
    camera->width = (int)fmax(1, width * part + 0.5);
    camera->height = (int)fmax(1, height * part + 0.5);
    camera->focal[0] = fx * part;
    camera->focal[1] = fy * part;
    return 1;
}

static char *read_text(const char *path) {
    DfyInput input;
    char *text = NULL;
    if (input_open(&input, path)) return NULL;
    if (input.size_bytes < (1u << 28)) text = malloc((size_t)input.size_bytes + 1);
    if (text && input.read(input.opaque, 0, (uint8_t *)text, (size_t)input.size_bytes) == (int64_t)input.size_bytes) {
        text[input.size_bytes] = 0;
    } else {
        complain("%s can't be read.", path);
        free(text);
        text = NULL;
    }
    input_close(&input);
    return text;
}

static int read_cameras(SplatUnseen *u, const char *path) {
    char *text = read_text(path);
    if (!text) return STATUS_FAILED;
    cJSON *list = cJSON_Parse(text);
    int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0, status = STATUS_GOOD;
    free(text);
    if (count < 1 || count > MOST_CAMERAS) {
        status = complain("%s is not a list of 1 to %d cameras, as cameras.json of a training is.", path, MOST_CAMERAS);
    } else if (!(u->cameras = calloc((size_t)count, sizeof *u->cameras))) {
        status = complain("There is no memory for %d cameras.", count);
    }
    const cJSON *json;
    cJSON_ArrayForEach(json, list) {
        if (status) break;
        if (!read_camera(&u->cameras[u->count], json))
            status = complain("%s: camera %d lacks one of width, height, fx, fy, position (3 numbers) and rotation (3 "
                              "rows of 3), or has one that can't be.",
                              path, u->count);
        u->count++;
    }
    cJSON_Delete(list);
    return status;
}

SplatUnseen *splat_unseen_open(const char *views, double least) {
    SplatUnseen *u = calloc(1, sizeof *u);
    if (!u) {
        complain("There is no memory left for this.");
        return NULL;
    }
    u->least = least;
    u->around = !strcmp(views, "around");
    if (u->around || !read_cameras(u, views)) return u;
    splat_unseen_close(u);
    return NULL;
}

/* Around the first model, for all of them. */
static int place_cameras(SplatUnseen *u, const DfySplats *first) {
    if (u->cameras) return STATUS_GOOD;
    u->count = AROUND;
    u->cameras = calloc(AROUND, sizeof *u->cameras);
    if (u->cameras && !dfy_splat_cameras_around(u->cameras, AROUND, 0, AROUND_PX, first)) return STATUS_GOOD;
    return complain("There is no memory left for this.");
}

/* ---------------------------------------------------------------- looking */

static int start_seen(SplatUnseen *u, uint32_t count) {
    float *seen = realloc(u->seen, ((size_t)count + 1) * sizeof *seen);
    if (seen) u->seen = seen;
    uint8_t *kept = realloc(u->kept, (size_t)count + 1);
    if (kept) u->kept = kept;
    if (!seen || !kept) return complain("There is no memory to look at a model of %u splats.", count);
    for (uint32_t i = 0; i < count; i++) u->seen[i] = -1;
    u->splats = count;
    return STATUS_GOOD;
}

static int see(SplatUnseen *u, const DfySplats *splats) {
    DfyMessage message = {{0}};
    for (int c = 0; c < u->count; c++)
        if (dfy_splats_render(splats, &u->cameras[c], NULL, u->seen, &message)) return complain("%s", message.text);
    return STATUS_GOOD;
}

int splat_unseen_look(SplatUnseen *u, const DfySplats *splats) {
    int status = STATUS_GOOD;
    if (!u->frames) status = place_cameras(u, splats);
    if (!status && !u->frames) status = start_seen(u, splats->count);
    u->frames++;
    u->differ |= splats->count != u->splats;
    return status || u->differ ? status : see(u, splats);
}

/* ---------------------------------------------------------------- dropping */

/* Views around say nothing on splats that are in none of their pictures; of cameras that are given these are dropped.
 */
static void choose_kept(SplatUnseen *u) {
    for (uint32_t i = 0; i < u->splats; i++) {
        int outside = u->around && u->seen[i] < 0;
        u->kept[i] = outside || u->seen[i] >= u->least;
        u->outside += (uint64_t)outside;
    }
}

static double error_of(const SplatUnseen *u, size_t numbers) {
    double sum = 0;
    for (size_t i = 0; i < numbers; i++) {
        double a = fmin(u->pictures[0][i], 1), b = fmin(u->pictures[1][i], 1);
        sum += (a - b) * (a - b);
    }
    return sum / (double)numbers;
}

/* How the pictures of other views around, or of the cameras given, differ. */
static int compare(SplatUnseen *u, const DfySplats *before, const DfySplats *after) {
    DfySplatCamera between[AROUND];
    DfyMessage message = {{0}};
    const DfySplatCamera *cameras = u->around ? between : u->cameras;
    if (u->around && dfy_splat_cameras_around(between, AROUND, 1, AROUND_PX, before))
        return complain("There is no memory left for this.");
    for (int c = 0; c < u->count; c++) {
        size_t numbers = (size_t)cameras[c].width * (size_t)cameras[c].height * 3;
        for (int i = 0; i < 2; i++) {
            float *picture = realloc(u->pictures[i], numbers * sizeof *picture);
            if (!picture) return complain("There is no memory left for this.");
            u->pictures[i] = picture;
            if (dfy_splats_render(i ? after : before, &cameras[c], picture, NULL, &message))
                return complain("%s", message.text);
        }
        double error = error_of(u, numbers);
        u->squares += error;
        u->worst = fmax(u->worst, error);
    }
    return STATUS_GOOD;
}

/* Of all frames, COMPARED. */
static int is_compared(const SplatUnseen *u, uint64_t frame) {
    return u->frames <= COMPARED || frame * COMPARED / u->frames != (frame + 1) * COMPARED / u->frames;
}

int splat_unseen_drop(SplatUnseen *u, DfySplats *splats) {
    int status = STATUS_GOOD;
    DfySplats before = {0};
    DfyMessage message = {{0}};
    if (u->differ) {
        status = start_seen(u, splats->count);
        if (!status) status = see(u, splats);
    }
    if (!status && dfy_splats_copy(&before, splats, &message)) status = complain("%s", message.text);
    if (!status) {
        choose_kept(u);
        dfy_splats_keep(splats, u->kept);
        u->all += before.count;
        u->dropped += before.count - splats->count;
        int compared = is_compared(u, u->given++);
        if (compared) u->compared += (uint64_t)u->count;
        if (compared && splats->count < before.count) status = compare(u, &before, splats);
    }
    dfy_splats_free(&before);
    return status;
}

/* 99: equal, but for what 8 bits have no level for. */
static double decibels(double mean_square) {
    return mean_square > 0 ? fmin(-10 * log10(mean_square), 99) : 99;
}

void splat_unseen_tell(const SplatUnseen *u) {
    uint64_t frames = u->frames ? u->frames : 1;
    printf("Dropped %llu of %llu splats per frame (%.1f %%): no view sees them (%d views); %llu pictures with and "
           "without them are alike to %.1f dB, the worst to %.1f dB.\n",
           (unsigned long long)(u->dropped / frames), (unsigned long long)(u->all / frames),
           u->all ? 100.0 * (double)u->dropped / (double)u->all : 0, u->count, (unsigned long long)u->compared,
           decibels(u->compared ? u->squares / (double)u->compared : 0), decibels(u->worst));
    if (u->outside)
        printf("Kept %llu splats per frame that are outside of all these pictures.\n",
               (unsigned long long)(u->outside / frames));
}

void splat_unseen_close(SplatUnseen *u) {
    if (!u) return;
    free(u->cameras);
    free(u->seen);
    free(u->kept);
    for (int i = 0; i < 2; i++) free(u->pictures[i]);
    free(u);
}
