/* Every status has a name of its own, and messages are cut, never overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void every_status_has_its_own_name(void **state) {
    (void)state;
    for (int a = DFY_ERROR_CANCELLED; a <= DFY_END; a++)
        for (int b = a + 1; b <= DFY_END; b++) assert_string_not_equal(dfy_strstatus(a), dfy_strstatus(b));
    assert_string_equal(dfy_strstatus(-1000), "unknown status");
}

static void a_failure_returns_its_status_and_keeps_the_sentence(void **state) {
    (void)state;
    DfyMessage message = {""};
    assert_int_equal(dfy_fail(&message, DFY_ERROR_IO, "Frame %d can't be read.", 7), DFY_ERROR_IO);
    assert_string_equal(message.text, "Frame 7 can't be read.");
    assert_int_equal(dfy_fail(NULL, DFY_ERROR_MEMORY, "nobody listens"), DFY_ERROR_MEMORY);
}

static void a_long_sentence_is_cut(void **state) {
    (void)state;
    DfyMessage message;
    char long_name[2000];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    dfy_fail(&message, DFY_ERROR_FORMAT, "%s", long_name);
    assert_int_equal(strlen(message.text), sizeof message.text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(a_failure_returns_its_status_and_keeps_the_sentence),
        cmocka_unit_test(a_long_sentence_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
