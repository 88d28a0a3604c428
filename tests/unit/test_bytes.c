/* Readers stop at the end, the buffer grows, and halves round as IEEE 754 says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_there_and_back(void **state) {
    (void)state;
    DfyBuffer out = {0};
    dfy_put_u8(&out, 0x12);
    dfy_put_u16be(&out, 0x3456);
    dfy_put_u32be(&out, 0x789ABCDE);
    dfy_put_u64be(&out, 0x0123456789ABCDEF);
    dfy_put_f32be(&out, 29.97f);
    dfy_put_u16le(&out, 0x3456);
    dfy_put_u32le(&out, 0x789ABCDE);
    dfy_put_u64le(&out, 0x0123456789ABCDEF);
    dfy_put_f32le(&out, -1.5f);
    assert_false(out.failed);
    assert_int_equal(out.data[1], 0x34);
    DfyBytes in = dfy_bytes(out.data, out.size);
    assert_int_equal(dfy_read_u8(&in), 0x12);
    assert_int_equal(dfy_read_u16be(&in), 0x3456);
    assert_int_equal(dfy_read_u32be(&in), 0x789ABCDE);
    assert_true(dfy_read_u64be(&in) == 0x0123456789ABCDEF);
    assert_true(dfy_read_f32be(&in) == 29.97f);
    assert_int_equal(dfy_read_u16le(&in), 0x3456);
    assert_int_equal(dfy_read_u32le(&in), 0x789ABCDE);
    assert_true(dfy_read_u64le(&in) == 0x0123456789ABCDEF);
    assert_true(dfy_read_f32le(&in) == -1.5f);
    assert_false(in.overrun);
    assert_int_equal(dfy_bytes_left(&in), 0);
    dfy_buffer_free(&out);
}

static void test_the_end(void **state) {
    (void)state;
    const uint8_t data[3] = {1, 2, 3};
    DfyBytes in = dfy_bytes(data, 3);
    assert_int_equal(dfy_read_u32be(&in), 0);
    assert_true(in.overrun);
    assert_int_equal(dfy_read_u8(&in), 0);
    assert_null(dfy_read_span(&in, SIZE_MAX));
    DfyBuffer out = {0};
    dfy_put_u8(&out, 1);
    assert_null(dfy_buffer_reserve(&out, SIZE_MAX - 1));
    assert_true(out.failed);
    dfy_buffer_free(&out);
}

static void test_halves(void **state) {
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) { /* every half is its own nearest */
        float value = dfy_half_to_float((uint16_t)half);
        if (isnan(value)) continue;
        assert_int_equal(dfy_float_to_half(value), half);
    }
    assert_true(dfy_half_to_float(0x3C00) == 1.0f);
    assert_int_equal(dfy_float_to_half(1.0f + 1.0f / 2048), 0x3C00); /* a tie goes to the even one */
    assert_int_equal(dfy_float_to_half(1e9f), 0x7C00);
    assert_int_equal(dfy_float_to_half(1e-9f), 0);
    assert_true(isnan(dfy_half_to_float(dfy_float_to_half(NAN))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_the_end),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
