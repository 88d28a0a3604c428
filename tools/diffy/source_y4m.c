/* Reads YUV4MPEG2, from a file or stdin. */
#include "libav.h"
#include "y4m.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_LIMIT = 4096 };

typedef struct Y4mReader {
    FILE *file;
    const char *path;
    int width, height;
    enum AVPixelFormat pixels; /* as they are in the file */
    uint8_t *raw;
    size_t raw_size;
    OwnPicture converted; /* used when pixels isn't YUV420P */
    struct SwsContext *conversion;
    DfyMatrix matrix;
    DfyRange range;
    int64_t frame;
} Y4mReader;

/* The samplings that occur in Y4M files. Any C420 with a siting suffix is plain 4:2:0. */
static const struct {
    const char *tag;
    enum AVPixelFormat pixels;
} samplings[] = {
    {"420p10", AV_PIX_FMT_YUV420P10LE}, {"420p12", AV_PIX_FMT_YUV420P12LE}, {"420p16", AV_PIX_FMT_YUV420P16LE},
    {"422p10", AV_PIX_FMT_YUV422P10LE}, {"422p12", AV_PIX_FMT_YUV422P12LE}, {"422p16", AV_PIX_FMT_YUV422P16LE},
    {"444p10", AV_PIX_FMT_YUV444P10LE}, {"444p12", AV_PIX_FMT_YUV444P12LE}, {"444p16", AV_PIX_FMT_YUV444P16LE},
    {"420jpeg", AV_PIX_FMT_YUV420P},    {"420mpeg2", AV_PIX_FMT_YUV420P},   {"420paldv", AV_PIX_FMT_YUV420P},
    {"420", AV_PIX_FMT_YUV420P},        {"422", AV_PIX_FMT_YUV422P},        {"444", AV_PIX_FMT_YUV444P},
    {"411", AV_PIX_FMT_YUV411P},        {"mono", AV_PIX_FMT_GRAY8},
};

static int probe_y4m(const SourceProbe *probe) {
    return probe->is_stdin || !memcmp(probe->head, "YUV4MPEG2", 9);
}

/* One line without its newline; -1 at the end, -2 when it is longer than any real one. */
static int read_line(FILE *file, char *line, size_t size) {
    size_t length = 0;
    for (int c = getc(file); c != '\n'; c = getc(file)) {
        if (c == EOF) return -1;
        if (length + 1 == size) return -2;
        line[length++] = (char)c;
    }
    line[length] = 0;
    return (int)length;
}

static int parse_sampling(Y4mReader *reader, const char *tag) {
    for (size_t i = 0; i < sizeof samplings / sizeof *samplings; i++)
        if (!strcmp(tag, samplings[i].tag)) {
            reader->pixels = samplings[i].pixels;
            return STATUS_GOOD;
        }
    return complain("%s has chroma sampling \"%s\", which is not known: convert it to 4:2:0 first.", reader->path, tag);
}

static int parse_header(Y4mReader *reader, char *line, SourceFacts *facts) {
    reader->pixels = AV_PIX_FMT_YUV420P;
    for (char *save, *tag = strtok_r(line + 9, " ", &save); tag; tag = strtok_r(NULL, " ", &save)) {
        switch (tag[0]) {
        case 'W': reader->width = atoi(tag + 1); break;
        case 'H': reader->height = atoi(tag + 1); break;
        case 'F':
            if (sscanf(tag + 1, "%d:%d", &facts->rate_num, &facts->rate_den) != 2 || facts->rate_num < 1 ||
                facts->rate_den < 1)
                facts->rate_num = 30, facts->rate_den = 1;
            break;
        case 'C':
            if (parse_sampling(reader, tag + 1)) return STATUS_FAILED;
            break;
        case 'I':
            if (tag[1] == 't' || tag[1] == 'b' || tag[1] == 'm')
                warn("%s is interlaced: its fields are taken as whole pictures.", reader->path);
            break;
        case 'X':
            if (!strcmp(tag, "XCOLORRANGE=FULL")) reader->range = DFY_RANGE_FULL;
            break;
        default: break;
        }
    }
    return STATUS_GOOD;
}

/* Bytes of a picture in the file; what is not 4:2:0 is left to FFmpeg. 0 for none. */
static size_t raw_size(const Y4mReader *reader) {
    size_t width = (size_t)reader->width, height = (size_t)reader->height;
    if (reader->pixels == AV_PIX_FMT_YUV420P) return width * height + 2 * ((width + 1) / 2) * ((height + 1) / 2);
    int size = libav.av_image_get_buffer_size(reader->pixels, reader->width, reader->height, 1);
    return size > 0 ? (size_t)size : 0;
}

static int prepare_conversion(Y4mReader *reader) {
    if (reader->pixels == AV_PIX_FMT_YUV420P) return STATUS_GOOD;
    if (own_picture_alloc(&reader->converted, DFY_PIXELS_I420, reader->width, reader->height)) return STATUS_FAILED;
    reader->conversion =
        libav.sws_getContext(reader->width, reader->height, reader->pixels, reader->width, reader->height,
                             AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
    return reader->conversion ? STATUS_GOOD : complain("%s can't be converted to 4:2:0.", reader->path);
}

static int open_y4m(void **state, const char *path, SourceFacts *facts) {
    Y4mReader *reader = *state = calloc(1, sizeof *reader);
    if (!reader) return complain("There is no memory left to open %s.", path);
    int is_stdin = !strcmp(path, "-");
    reader->path = is_stdin ? "stdin" : path;
    reader->matrix = DFY_MATRIX_UNKNOWN;
    reader->file = is_stdin ? stdin : fopen(path, "rb");
    char line[HEADER_LIMIT];
    if (!reader->file || read_line(reader->file, line, sizeof line) < 9 || memcmp(line, "YUV4MPEG2", 9))
        return complain("%s is not Y4M: only YUV4MPEG2 streams are read here.", reader->path);
    *facts = (SourceFacts){.rate_num = 30, .rate_den = 1};
    if (parse_header(reader, line, facts)) return STATUS_FAILED;
    facts->width = reader->width;
    facts->height = reader->height;
    facts->time_base_num = facts->rate_den;
    facts->time_base_den = facts->rate_num;
    facts->matrix = reader->matrix;
    facts->range = reader->range;
    if (reader->width < 1 || reader->height < 1 || reader->width > DFY_MAX_DIMENSION ||
        reader->height > DFY_MAX_DIMENSION)
        return complain("%s states pictures of %d x %d pixels: only 1 to %d are possible.", reader->path, reader->width,
                        reader->height, DFY_MAX_DIMENSION);
    if (reader->pixels != AV_PIX_FMT_YUV420P && libav_load()) return STATUS_FAILED;
    reader->raw_size = raw_size(reader);
    reader->raw = reader->raw_size ? malloc(reader->raw_size) : NULL;
    if (!reader->raw) return complain("There is no memory left to read %s.", reader->path);
    if (!is_stdin && !fseeko(reader->file, 0, SEEK_END)) {
        off_t end = ftello(reader->file), start = (off_t)strlen("YUV4MPEG2") + 1;
        facts->expected_frames = end > start ? (uint64_t)(end - start) / (reader->raw_size + 6) : 0;
        rewind(reader->file);
        read_line(reader->file, line, sizeof line);
    }
    return prepare_conversion(reader);
}

/* The picture that raw holds, as I420. */
static int raw_picture(Y4mReader *reader, DfyPicture *picture) {
    if (reader->conversion) {
        DfyPicture *to = &reader->converted.picture;
        uint8_t *planes[4];
        int strides[4], to_strides[3];
        for (int i = 0; i < 3; i++) to_strides[i] = (int)to->stride_bytes[i];
        libav.av_image_fill_arrays(planes, strides, reader->raw, reader->pixels, reader->width, reader->height, 1);
        libav.sws_scale(reader->conversion, (const uint8_t *const *)planes, strides, 0, reader->height, to->plane,
                        to_strides);
        *picture = *to;
    } else {
        size_t width = (size_t)(reader->width + 1) / 2, luma = (size_t)reader->width * (size_t)reader->height;
        uint8_t *chroma = reader->raw + luma;
        *picture = (DfyPicture){.format = DFY_PIXELS_I420,
                                .width = reader->width,
                                .height = reader->height,
                                .plane = {reader->raw, chroma, chroma + width * ((size_t)(reader->height + 1) / 2)},
                                .stride_bytes = {reader->width, (ptrdiff_t)width, (ptrdiff_t)width}};
    }
    picture->matrix = reader->matrix;
    picture->range = reader->range;
    picture->pts = reader->frame++;
    return DFY_OK;
}

static int next_y4m(void *state, DfyPicture *picture) {
    Y4mReader *reader = state;
    char line[HEADER_LIMIT];
    int length = read_line(reader->file, line, sizeof line);
    if (length == -1 && !ferror(reader->file)) return DFY_END;
    if (length < 5 || memcmp(line, "FRAME", 5)) {
        complain("%s is damaged at frame %lld: no FRAME line where one must be.", reader->path,
                 (long long)reader->frame);
        return DFY_ERROR_FORMAT;
    }
    if (fread(reader->raw, 1, reader->raw_size, reader->file) != reader->raw_size) {
        warn("%s ends in the middle of frame %lld, which is left out.", reader->path, (long long)reader->frame);
        return DFY_END;
    }
    return raw_picture(reader, picture);
}

static void close_y4m(void *state) {
    Y4mReader *reader = state;
    if (reader->file && reader->file != stdin) fclose(reader->file);
    if (reader->conversion) libav.sws_freeContext(reader->conversion);
    own_picture_free(&reader->converted);
    free(reader->raw);
    free(reader);
}

const SourceFormat source_y4m = {"Y4M", probe_y4m, open_y4m, next_y4m, close_y4m};
