/* Sound: packets come back as they went in, from any time, beside pictures that are not touched by it. */
#include "v2_clip.h"

enum { PACKETS = 900, TICKS = 1024, RATE = 48000 };

/* Packet i: its size, and bytes that tell it from others. */
static size_t packet_of(int i, uint8_t *data) {
    size_t size = 1 + clip_hash((uint32_t)i) % 700;
    for (size_t k = 0; k < size; k++) data[k] = (uint8_t)clip_hash((uint32_t)(i << 10) + (uint32_t)k);
    return size;
}

static int64_t time_of(int i) {
    return (int64_t)i * TICKS - 2 * TICKS + (i >= 500 ? 5 * RATE : 0); /* before the pictures; a gap of five seconds */
}

static const DfySound sound = {.codec = "aac",
                               .sample_rate = RATE,
                               .channels = 2,
                               .time_base_num = 1,
                               .time_base_den = RATE,
                               .config = (const uint8_t *)"\x11\x90",
                               .config_bytes = 2};

/* 60 pictures of a moving grey, and packets as they come between them; packets 0: no sound at all. */
static void make(MemoryFile *file, int packets) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = settings.height = 32;
    settings.threads = 1;
    DfyEncoder *encoder;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    if (packets) assert_int_equal(dfy_encoder_sound(encoder, &sound), DFY_OK);
    uint8_t pixels[32 * 32], data[1024];
    int pushed = 0;
    for (int i = 0; i < 60; i++) {
        memset(pixels, i * 4, sizeof pixels);
        DfyPicture picture = {.format = DFY_PIXELS_I420,
                              .width = 32,
                              .height = 32,
                              .plane = {pixels, pixels, pixels},
                              .stride_bytes = {32, 16, 16},
                              .pts = i};
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        for (; pushed < packets * (i + 1) / 60; pushed++) {
            DfySoundPacket packet = {.data = data, .size_bytes = packet_of(pushed, data), .pts = time_of(pushed)};
            packet.duration = TICKS;
            assert_int_equal(dfy_encoder_push_sound(encoder, &packet), DFY_OK);
        }
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
}

static void check_packet(const DfySoundPacket *packet, int i) {
    uint8_t data[1024];
    assert_int_equal(packet->size_bytes, packet_of(i, data));
    assert_memory_equal(packet->data, data, packet->size_bytes);
    assert_int_equal(packet->pts, time_of(i));
    assert_int_equal(packet->duration, TICKS);
}

static void round_trip(void **state) {
    (void)state;
    MemoryFile file = {0};
    make(&file, PACKETS);
    for (int index = 1; index >= 0; index--) {
        if (!index) file.size -= 20; /* found by walking */
        DfyDecoder *decoder = open_decoder(&file);
        DfySound read;
        DfySoundPacket packet;
        assert_int_equal(dfy_decoder_sound(decoder, &read), DFY_OK);
        assert_string_equal(read.codec, "aac");
        assert_int_equal(read.channels, 2);
        assert_int_equal(read.config_bytes, 2);
        assert_memory_equal(read.config, sound.config, 2);
        for (int i = 0; i < PACKETS; i++) {
            assert_int_equal(dfy_decoder_next_sound(decoder, &packet), DFY_OK);
            check_packet(&packet, i);
        }
        assert_int_equal(dfy_decoder_next_sound(decoder, &packet), DFY_END);
        for (int k = 0; k < 200; k++) { /* from anywhere, between reading pictures */
            int i = (int)(clip_hash(77u + (uint32_t)k) % PACKETS);
            DfyPicture picture;
            if (k % 50 == 0) assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)k / 4), DFY_OK);
            if (k % 50 == 0) assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            assert_int_equal(dfy_decoder_seek_sound(decoder, time_of(i) + TICKS / 2), DFY_OK);
            assert_int_equal(dfy_decoder_next_sound(decoder, &packet), DFY_OK);
            check_packet(&packet, i);
        }
        assert_int_equal(dfy_decoder_seek_sound(decoder, time_of(499) + 2 * RATE), DFY_OK); /* in the gap */
        assert_int_equal(dfy_decoder_next_sound(decoder, &packet), DFY_OK);
        check_packet(&packet, 500);
        assert_int_equal(dfy_decoder_seek_sound(decoder, time_of(PACKETS)), DFY_OK);
        assert_int_equal(dfy_decoder_next_sound(decoder, &packet), DFY_END);
        assert_int_equal(index ? DFY_OK : DFY_ERROR_DAMAGED, dfy_decoder_verify(decoder));
        dfy_decoder_close(&decoder);
    }
    memory_free(&file);
}

/* The pictures' chunks are those of a file without sound, which has no trace of it. */
static void pictures_are_the_same(void **state) {
    (void)state;
    MemoryFile with = {0}, without = {0};
    make(&with, PACKETS);
    make(&without, 0);
    DfyDecoder *a = open_decoder(&with), *b = open_decoder(&without);
    DfyChunk heard, mute;
    DfySound none;
    uint32_t i = 0, j = 0;
    assert_int_equal(dfy_decoder_sound(b, &none), DFY_END);
    for (; !dfy_decoder_chunk(a, i, &heard); i++) {
        if (i && !strcmp(heard.name, "STREAM")) continue;
        if (!strcmp(heard.name, "SOUND")) continue;
        assert_int_equal(dfy_decoder_chunk(b, j++, &mute), DFY_OK);
        assert_string_equal(heard.name, mute.name);
        assert_int_equal(heard.payload_bytes, mute.payload_bytes);
        assert_memory_equal(with.data + heard.offset_bytes, without.data + mute.offset_bytes, heard.payload_bytes + 12);
    }
    assert_int_equal(dfy_decoder_chunk(b, j, &mute), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&a);
    dfy_decoder_close(&b);
    memory_free(&with);
    memory_free(&without);
}

/* Any byte turned over: as many pictures, never a wrong packet without a word. */
static void damaged(void **state) {
    (void)state;
    MemoryFile file = {0};
    make(&file, PACKETS);
    for (size_t at = 4; at < file.size; at += 997) {
        file.data[at] ^= 16;
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        if (!dfy_decoder_open(&decoder, &input, NULL)) {
            DfySoundPacket packet;
            int status, count = 0, failures = 0;
            while ((status = dfy_decoder_next_sound(decoder, &packet)) != DFY_END) {
                count += !status;
                failures += status != DFY_OK;
                assert_true(count <= PACKETS && failures < 100);
            }
            dfy_decoder_seek_sound(decoder, time_of(PACKETS / 2));
            dfy_decoder_next_sound(decoder, &packet);
        }
        dfy_decoder_close(&decoder);
        file.data[at] ^= 16;
    }
    memory_free(&file);
}

static void wrong_use(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = settings.height = 32;
    DfyEncoder *encoder;
    DfySoundPacket packet = {.data = (const uint8_t *)"x", .size_bytes = 1};
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    assert_int_equal(dfy_encoder_push_sound(encoder, &packet), DFY_ERROR_ARGUMENT);
    DfySound bad = sound;
    bad.channels = 0;
    assert_int_equal(dfy_encoder_sound(encoder, &bad), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_sound(encoder, &sound), DFY_OK);
    assert_int_equal(dfy_encoder_sound(encoder, &sound), DFY_ERROR_ARGUMENT);
    packet.size_bytes = 0;
    assert_int_equal(dfy_encoder_push_sound(encoder, &packet), DFY_ERROR_ARGUMENT);
    dfy_encoder_close(&encoder);
    settings.format = 1;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    assert_int_equal(dfy_encoder_sound(encoder, &sound), DFY_ERROR_UNSUPPORTED);
    dfy_encoder_close(&encoder);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(pictures_are_the_same),
        cmocka_unit_test(damaged),
        cmocka_unit_test(wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
