/* Tiles of decoded pictures: where two pictures say that a tile is the same, its pixels are, by playing and by seeking.
 */
#include "v2_clip.h"

#define TILE 64

typedef struct Kept {
    uint64_t *identities;
    uint8_t *pixels; /* the three planes, tightly packed */
} Kept;

static size_t picture_bytes(const DfyPicture *p) {
    return (size_t)p->width * (size_t)p->height + 2 * ((size_t)(p->width + 1) / 2) * ((size_t)(p->height + 1) / 2);
}

static Kept keep(DfyDecoder *decoder, const DfyPicture *p) {
    DfyTiles tiles;
    assert_int_equal(dfy_decoder_tiles(decoder, &tiles), DFY_OK);
    assert_int_equal(tiles.columns, (p->width + TILE - 1) / TILE);
    assert_int_equal(tiles.rows, (p->height + TILE - 1) / TILE);
    size_t count = (size_t)tiles.columns * (size_t)tiles.rows;
    Kept kept = {malloc(count * sizeof *kept.identities), malloc(picture_bytes(p))};
    memcpy(kept.identities, tiles.identities, count * sizeof *kept.identities);
    uint8_t *to = kept.pixels;
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0, width = (p->width + half) >> half, height = (p->height + half) >> half;
        for (int y = 0; y < height; y++, to += width)
            memcpy(to, p->plane[plane] + y * p->stride_bytes[plane], (size_t)width);
    }
    return kept;
}

static int same_tile(const uint8_t *a, const uint8_t *b, int width, int height, int column, int row) {
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0, size = TILE >> half, w = (width + half) >> half, h = (height + half) >> half;
        int left = column * size, right = left + size < w ? left + size : w;
        for (int y = row * size; y < h && y < (row + 1) * size; y++)
            if (right > left && memcmp(a + y * w + left, b + y * w + left, (size_t)(right - left))) return 0;
        a += w * h;
        b += w * h;
    }
    return 1;
}

/* How many tiles of b are a's; each of them must have a's pixels. */
static int compare(const Kept *a, const Kept *b, int width, int height) {
    int columns = (width + TILE - 1) / TILE, rows = (height + TILE - 1) / TILE, same = 0;
    for (int i = 0; i < columns * rows; i++) {
        if (!a->identities[i] || a->identities[i] != b->identities[i]) continue;
        same++;
        assert_true(same_tile(a->pixels, b->pixels, width, height, i % columns, i / columns));
    }
    return same;
}

static void identities_mean_pixels(void **state) {
    (void)state;
    Clip clip = {.width = 300, .height = 201, .frames = 70};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    clip_encode(&clip, &settings, &file);
    DfyDecoder *decoder = open_decoder(&file);
    Kept kept[140];
    DfyPicture picture;
    DfyTiles tiles;
    int count = 0, same = 0;
    assert_int_equal(dfy_decoder_tiles(decoder, &tiles), DFY_ERROR_ARGUMENT);
    for (; count < clip.frames; count++) {
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        kept[count] = keep(decoder, &picture);
    }
    for (int frame = clip.frames - 1; frame >= 0; frame -= 7, count++) {
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        kept[count] = keep(decoder, &picture);
    }
    for (int a = 0; a < count; a++)
        for (int b = a + 1; b < count; b++) same += compare(&kept[a], &kept[b], clip.width, clip.height);
    assert_true(same > count); /* a background that stays has some */
    for (int i = 0; i < count; i++) {
        free(kept[i].identities);
        free(kept[i].pixels);
    }
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

static void pictures_without_tiles(void **state) {
    (void)state;
    Clip clip = {.width = 48, .height = 32, .frames = 4};
    for (int format = 1; format <= 2; format++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.format = format;
        if (format == 2) settings.quality = 100;
        MemoryFile file = {0};
        clip_encode(&clip, &settings, &file);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture;
        DfyTiles tiles;
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(dfy_decoder_tiles(decoder, &tiles), DFY_ERROR_UNSUPPORTED);
        assert_int_equal(dfy_decoder_tiles(decoder, NULL), DFY_ERROR_ARGUMENT);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_mean_pixels),
        cmocka_unit_test(pictures_without_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
