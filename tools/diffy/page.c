/*
 * `diffy decode X.dfy Y.html`: the page that plays itself (web/saved), with the file in base64 put into it. The file
 * goes in pieces, so that no browser has to hold all of it as one text.
 */
#include "page.h"

#include <errno.h>
#include <string.h>

#include "cli.h"

/* Bytes of a piece: a multiple of three, so that only the last one is padded. */
enum { PIECE_BYTES = 3 << 16 };

/* Where a mark begins, or NULL. */
static const char *mark(const char *from, const char *end, const char *name) {
    size_t length = strlen(name);
    for (; from + length <= end; from++)
        if (*from == name[0] && !memcmp(from, name, length)) return from;
    return NULL;
}

static size_t base64(char *to, const unsigned char *from, size_t bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *start = to;
    for (; bytes; from += 3) {
        unsigned many = bytes > 2 ? 3 : (unsigned)bytes;
        unsigned long word =
            (unsigned long)from[0] << 16 | (many > 1 ? (unsigned long)from[1] << 8 : 0) | (many > 2 ? from[2] : 0);
        *to++ = digits[word >> 18];
        *to++ = digits[word >> 12 & 63];
        *to++ = many > 1 ? digits[word >> 6 & 63] : '=';
        *to++ = many > 2 ? digits[word & 63] : '=';
        bytes -= many;
    }
    return (size_t)(to - start);
}

/* {"name":"..."}: letters that could end the script element or the string are written by number. */
static void write_about(FILE *stream, const char *path) {
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    fputs("{\"name\":\"", stream);
    for (; *name; name++) {
        if ((unsigned char)*name < 32 || strchr("\"\\<>&", *name))
            fprintf(stream, "\\u%04x", (unsigned)*name);
        else
            putc(*name, stream);
    }
    fputs("\"}", stream);
}

static int write_video(FILE *stream, FILE *video, const char *input) {
    static unsigned char piece[PIECE_BYTES];
    static char text[PIECE_BYTES / 3 * 4];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, video)) > 0 && !interrupted()) {
        fputs("<script type=\"text/plain\" class=\"video\">", stream);
        fwrite(text, 1, base64(text, piece, got), stream);
        fputs("</script>\n", stream);
    }
    if (ferror(video)) return complain("%s can't be read (%s).", input, strerror(errno));
    if (interrupted()) return complain("Stopped: no page was written.");
    return STATUS_GOOD;
}

int page_write(const char *input, const char *output) {
    const char *page = (const char *)player_page, *end = page + player_page_bytes;
    const char *about = mark(page, end, "{about}"), *video = about ? mark(about, end, "{video}") : NULL;
    if (!video)
        return complain("%s can't be written: this diffy was built without the player page. Run `make player`, then "
                        "`make cli`.",
                        output);
    FILE *file = fopen(input, "rb");
    if (!file) return complain("%s can't be opened (%s).", input, strerror(errno));
    OutputFile out;
    int status = output_open(&out, output);
    if (!status) {
        interrupt_watch();
        fwrite(page, 1, (size_t)(about - page), out.stream);
        write_about(out.stream, input);
        about += strlen("{about}");
        fwrite(about, 1, (size_t)(video - about), out.stream);
        status = write_video(out.stream, file, input);
        video += strlen("{video}");
        fwrite(video, 1, (size_t)(end - video), out.stream);
        if (!status) status = output_keep(&out);
        output_drop(&out);
    }
    fclose(file);
    return status;
}
