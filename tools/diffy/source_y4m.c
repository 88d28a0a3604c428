/* Reads YUV4MPEG2, from a file or stdin. */
#include "frames.h"
#include "y4m.h"

#include <errno.h>
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
    int primaries, transfer;
    DfyMatrix matrix;
    DfyRange range;
    int range_said;
    int64_t frame;
    size_t head_used, head_size; /* of stdin, what was read of it to see what it is */
    Frames frames;               /* converts what is no 4:2:0 of 8 bits */
    AVFrame *raw_frame;
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
    {"420", AV_PIX_FMT_YUV420P},        {"mono10", AV_PIX_FMT_GRAY10LE},    {"mono12", AV_PIX_FMT_GRAY12LE},
    {"mono16", AV_PIX_FMT_GRAY16LE},    {"444alpha", AV_PIX_FMT_YUVA444P},  {"mono9", AV_PIX_FMT_GRAY9LE},
    {"420p9", AV_PIX_FMT_YUV420P9LE},   {"422p9", AV_PIX_FMT_YUV422P9LE},   {"444p9", AV_PIX_FMT_YUV444P9LE},
    {"420p14", AV_PIX_FMT_YUV420P14LE}, {"422p14", AV_PIX_FMT_YUV422P14LE}, {"444p14", AV_PIX_FMT_YUV444P14LE},
    {"422", AV_PIX_FMT_YUV422P},        {"444", AV_PIX_FMT_YUV444P},        {"411", AV_PIX_FMT_YUV411P},
    {"mono", AV_PIX_FMT_GRAY8},
};

static int probe_y4m(const SourceProbe *probe) {
    return !memcmp(probe->head, "YUV4MPEG2", 9);
}

static int next_byte(Y4mReader *reader) {
    return reader->head_used < reader->head_size ? source_stdin.head[reader->head_used++] : getc(reader->file);
}

static size_t read_bytes(Y4mReader *reader, uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size && reader->head_used < reader->head_size) data[got++] = source_stdin.head[reader->head_used++];
    return got + fread(data + got, 1, size - got, reader->file);
}

/* One line without its newline; -1 at the end, -2 when it is longer than any real one. */
static int read_line(Y4mReader *reader, char *line, size_t size) {
    size_t length = 0;
    for (int c = next_byte(reader); c != '\n'; c = next_byte(reader)) {
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
    return complain("%s has unknown chroma sampling \"%s\": convert it to 4:2:0 first.", reader->path, tag);
}

/* XCOLORRANGE is FFmpeg's; XH273 is Diffy's own: primaries, transfer and matrix by the numbers of H.273, 2: unknown. */
static void parse_extension(Y4mReader *reader, const char *tag) {
    int primaries, transfer, matrix;
    if (!strcmp(tag, "XCOLORRANGE=FULL")) reader->range = DFY_RANGE_FULL, reader->range_said = 1;
    if (!strcmp(tag, "XCOLORRANGE=LIMITED")) reader->range_said = 1;
    if (sscanf(tag, "XH273=%d/%d/%d", &primaries, &transfer, &matrix) != 3) return;
    if (matrix > 0 && matrix < 256) reader->matrix = (DfyMatrix)matrix;
    if (primaries > 0 && primaries < 256) reader->primaries = primaries;
    if (transfer > 0 && transfer < 256) reader->transfer = transfer;
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
        case 'A':
            if (sscanf(tag + 1, "%d:%d", &facts->sample_aspect_num, &facts->sample_aspect_den) != 2 ||
                facts->sample_aspect_num < 1 || facts->sample_aspect_den < 1)
                facts->sample_aspect_num = facts->sample_aspect_den = 0;
            break;
        case 'C':
            if (parse_sampling(reader, tag + 1)) return STATUS_FAILED;
            break;
        case 'I':
            if (tag[1] == 't' || tag[1] == 'b' || tag[1] == 'm')
                warn("%s is interlaced: each pair of fields is encoded as one picture.", reader->path);
            break;
        case 'X': parse_extension(reader, tag); break;
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

/* Frames for the pixels as they lie in raw; settled by what the header says. */
static int prepare_conversion(Y4mReader *reader, const SourceOptions *options, SourceFacts *facts) {
    AVFrame *frame = reader->raw_frame = libav.av_frame_alloc();
    if (!frame) return complain("There is no memory left to read %s.", reader->path);
    frame->format = reader->pixels;
    frame->width = reader->width;
    frame->height = reader->height;
    frame->color_range = reader->range == DFY_RANGE_FULL ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    frame->colorspace = (enum AVColorSpace)reader->matrix;
    frame->color_primaries = (enum AVColorPrimaries)reader->primaries;
    frame->color_trc = (enum AVColorTransferCharacteristic)reader->transfer;
    libav.av_image_fill_arrays(frame->data, frame->linesize, reader->raw, reader->pixels, reader->width, reader->height,
                               1);
    reader->frames.path = reader->path;
    reader->frames.alpha_white = options->alpha_white;
    return frames_settle(&reader->frames, frame, facts, options->keep_hdr);
}

static int open_y4m(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    Y4mReader *reader = *state = calloc(1, sizeof *reader);
    if (!reader) return complain("There is no memory left to open %s.", path);
    int is_stdin = !strcmp(path, "-");
    reader->path = source_name(path);
    reader->matrix = DFY_MATRIX_UNKNOWN;
    reader->primaries = reader->transfer = H273_UNKNOWN;
    reader->head_size = is_stdin ? source_stdin.size : 0;
    reader->file = is_stdin ? stdin : fopen(path, "rb");
    char line[HEADER_LIMIT];
    if (!reader->file || read_line(reader, line, sizeof line) < 9 || memcmp(line, "YUV4MPEG2", 9))
        return complain("%s is not Y4M: only YUV4MPEG2 streams are read here.", reader->path);
    *facts = (SourceFacts){.rate_num = 30, .rate_den = 1};
    if (parse_header(reader, line, facts)) return STATUS_FAILED;
    facts->width = reader->width;
    facts->height = reader->height;
    facts->time_base_num = facts->rate_den;
    facts->time_base_den = facts->rate_num;
    facts->primaries = reader->primaries;
    facts->transfer = reader->transfer;
    facts->matrix = reader->matrix;
    facts->range = reader->range;
    colour_settle(facts, reader->height);
    if (reader->width < 1 || reader->height < 1 || reader->width > DFY_MAX_DIMENSION ||
        reader->height > DFY_MAX_DIMENSION)
        return complain("%s has pictures of %d x %d pixels: only 1 to %d are supported.", reader->path, reader->width,
                        reader->height, DFY_MAX_DIMENSION);
    if ((reader->pixels != AV_PIX_FMT_YUV420P || is_hdr(reader->transfer)) && libav_load()) return STATUS_FAILED;
    reader->raw_size = raw_size(reader);
    /* libswscale reads whole vectors. */
    reader->raw = reader->raw_size ? calloc(1, reader->raw_size + AV_INPUT_BUFFER_PADDING_SIZE) : NULL;
    if (!reader->raw) return complain("There is no memory left to read %s.", reader->path);
    if (!is_stdin && !fseeko(reader->file, 0, SEEK_END)) {
        off_t end = ftello(reader->file), start = (off_t)strlen("YUV4MPEG2") + 1;
        facts->expected_frames = end > start ? (uint64_t)(end - start) / (reader->raw_size + 6) : 0;
        rewind(reader->file);
        read_line(reader, line, sizeof line);
    }
    reader->matrix = facts->matrix;
    return reader->pixels == AV_PIX_FMT_YUV420P && !is_hdr(reader->transfer)
               ? STATUS_GOOD
               : prepare_conversion(reader, options, facts);
}

/* The picture that raw holds, as I420. */
static int raw_picture(Y4mReader *reader, DfyPicture *picture) {
    if (reader->raw_frame) {
        if (frames_picture(&reader->frames, reader->raw_frame, picture)) return DFY_ERROR_FORMAT;
    } else {
        size_t width = (size_t)(reader->width + 1) / 2, luma = (size_t)reader->width * (size_t)reader->height;
        uint8_t *chroma = reader->raw + luma;
        *picture = (DfyPicture){.format = DFY_PIXELS_I420,
                                .width = reader->width,
                                .height = reader->height,
                                .plane = {reader->raw, chroma, chroma + width * ((size_t)(reader->height + 1) / 2)},
                                .stride_bytes = {reader->width, (ptrdiff_t)width, (ptrdiff_t)width}};
    }
    if (!reader->raw_frame) {
        picture->matrix = reader->matrix;
        picture->range = reader->range;
    }
    picture->pts = reader->frame++;
    return DFY_OK;
}

static int read_failed(const Y4mReader *reader) {
    if (interrupted()) return DFY_END;
    complain("%s can't be read after frame %lld (%s).", reader->path, (long long)reader->frame, strerror(errno));
    return DFY_ERROR_IO;
}

static int next_y4m(void *state, DfyPicture *picture) {
    Y4mReader *reader = state;
    char line[HEADER_LIMIT];
    int length = read_line(reader, line, sizeof line);
    if (ferror(reader->file)) return read_failed(reader);
    if (length == -1) return DFY_END;
    if (length < 5 || memcmp(line, "FRAME", 5)) {
        complain("%s is damaged at frame %lld: the FRAME line is missing.", reader->path, (long long)reader->frame);
        return DFY_ERROR_FORMAT;
    }
    if (read_bytes(reader, reader->raw, reader->raw_size) != reader->raw_size) {
        if (ferror(reader->file)) return read_failed(reader);
        warn("%s ends in the middle of frame %lld, which is left out.", reader->path, (long long)reader->frame);
        return DFY_END;
    }
    return raw_picture(reader, picture);
}

static void close_y4m(void *state) {
    Y4mReader *reader = state;
    if (reader->file && reader->file != stdin) fclose(reader->file);
    frames_free(&reader->frames);
    if (reader->raw_frame) libav.av_frame_free(&reader->raw_frame);
    free(reader->raw);
    free(reader);
}

const SourceFormat source_y4m = {
    .name = "Y4M", .probe = probe_y4m, .open = open_y4m, .next = next_y4m, .close = close_y4m};
