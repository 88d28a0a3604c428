#include "entropy/range.h"

#include <stdlib.h>

/*
 * Shifts of the fast and the slow estimate after n uses. Both begin as the running mean (1/2, 1/3, ...) and settle
 * at 1/16 and 1/128: the pair of rates that VVC's contexts centre on ("Overview of VVC", 2021, section on CABAC).
 */
const uint8_t dfy_bit_rates[32][2] = {
    {1, 1}, {2, 2}, {2, 2}, {2, 2}, {3, 3}, {3, 3}, {3, 3}, {3, 3}, {4, 4}, {4, 4}, {4, 4},
    {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 5}, {4, 5}, {4, 5}, {4, 5}, {4, 5}, {4, 5},
    {4, 5}, {4, 5}, {4, 5}, {4, 5}, {4, 6}, {4, 6}, {4, 6}, {4, 6}, {4, 6}, {4, 7},
};

void dfy_range_encode_start(DfyRangeCoder *coder) {
    *coder = (DfyRangeCoder){.mode = DFY_ENCODE, .range = 0xFFFFFFFFu};
}

void dfy_range_encode_restart(DfyRangeCoder *coder) {
    uint8_t *data = coder->data;
    size_t capacity = coder->capacity;
    dfy_range_encode_start(coder);
    coder->data = data;
    coder->capacity = capacity;
}

void dfy_range_free(DfyRangeCoder *coder) {
    if (coder->mode == DFY_ENCODE) free(coder->data);
    *coder = (DfyRangeCoder){0};
}

static void put_byte(DfyRangeCoder *coder, uint8_t byte) {
    if (coder->size == coder->capacity) {
        size_t capacity = coder->capacity ? coder->capacity * 2 : 1024;
        uint8_t *data = realloc(coder->data, capacity);
        if (!data) {
            coder->failed = 1;
            return;
        }
        coder->data = data;
        coder->capacity = capacity;
    }
    coder->data[coder->size++] = byte;
}

/*
 * Moves the top byte of low out. A byte is held while later carries may still raise it; a run of 0xFF behind it
 * is only counted. `position` tells whether there is a held byte yet, so that no leading zero byte is written.
 */
void dfy_range_shift_low(DfyRangeCoder *coder) {
    uint8_t carry = (uint8_t)(coder->low >> 32);
    uint8_t top = (uint8_t)(coder->low >> 24);
    if (carry || top != 0xFF) {
        if (coder->position) put_byte(coder, (uint8_t)(coder->held + carry));
        for (; coder->pending; coder->pending--) put_byte(coder, (uint8_t)(0xFF + carry));
        coder->held = top;
        coder->position = 1;
    } else if (coder->position) {
        coder->pending++;
    } else { /* a first byte of 0xFF can still not be told from a run: hold it as the held byte */
        coder->held = top;
        coder->position = 1;
    }
    coder->low = (coder->low & 0x00FFFFFFu) << 8;
}

void dfy_range_encode_finish(DfyRangeCoder *coder) {
    /* Any value in [low, low + range) decodes alike: take the one with the most trailing zero bits. */
    uint64_t top = coder->low + coder->range - 1;
    for (int bits = 32; bits >= 0; bits--) {
        uint64_t value = top >> bits << bits;
        if (value >= coder->low) {
            coder->low = value;
            break;
        }
    }
    for (int i = 0; i < 5; i++) dfy_range_shift_low(coder);
    while (coder->size && !coder->data[coder->size - 1]) coder->size--;
}

void dfy_range_decode_start(DfyRangeCoder *coder, const uint8_t *data, size_t size) {
    *coder = (DfyRangeCoder){.range = 0xFFFFFFFFu, .data = (uint8_t *)(uintptr_t)data, .size = size};
    for (int i = 0; i < 4; i++) {
        coder->low = coder->low << 8 | (coder->position < size ? data[coder->position] : 0);
        coder->position++;
    }
}

uint32_t dfy_code_golomb(DfyRangeCoder *coder, DfyBit models[64], int k, uint32_t value) {
    uint32_t shifted = (value >> k) + 1;
    int bits = coder->mode != DFY_DECODE ? 31 - __builtin_clz(shifted) : 0;
    bits = dfy_code_unary(coder, models, 30 - k, bits);
    uint32_t out = 1;
    for (int i = bits - 1; i >= 0; i--) {
        int bit = (int)(shifted >> i & 1);
        bit = i == bits - 1 ? dfy_code_bit(coder, &models[32 + bits], bit) : (int)dfy_code_raw(coder, 1, (uint32_t)bit);
        out = out << 1 | (uint32_t)bit;
    }
    return (out - 1) << k | dfy_code_raw(coder, k, value & ((1u << k) - 1));
}

/* -log2((i + 1/2) / 512) in 1/256 bits. */
const uint16_t dfy_bit_costs[512] = {
    2560, 2154, 1966, 1841, 1748, 1674, 1613, 1560, 1514, 1473, 1436, 1402, 1371, 1343, 1316, 1292, 1269, 1247, 1226,
    1207, 1188, 1171, 1154, 1138, 1123, 1108, 1094, 1080, 1067, 1054, 1042, 1030, 1018, 1007, 996,  986,  975,  965,
    956,  946,  937,  928,  919,  911,  902,  894,  886,  878,  870,  863,  855,  848,  841,  834,  827,  821,  814,
    808,  801,  795,  789,  783,  777,  771,  765,  759,  754,  748,  743,  738,  732,  727,  722,  717,  712,  707,
    702,  697,  693,  688,  683,  679,  674,  670,  665,  661,  657,  652,  648,  644,  640,  636,  632,  628,  624,
    620,  616,  613,  609,  605,  601,  598,  594,  590,  587,  583,  580,  576,  573,  570,  566,  563,  560,  556,
    553,  550,  547,  544,  540,  537,  534,  531,  528,  525,  522,  519,  516,  513,  511,  508,  505,  502,  499,
    496,  494,  491,  488,  486,  483,  480,  478,  475,  472,  470,  467,  465,  462,  460,  457,  455,  452,  450,
    447,  445,  443,  440,  438,  435,  433,  431,  428,  426,  424,  422,  419,  417,  415,  413,  410,  408,  406,
    404,  402,  400,  398,  395,  393,  391,  389,  387,  385,  383,  381,  379,  377,  375,  373,  371,  369,  367,
    365,  363,  361,  359,  357,  356,  354,  352,  350,  348,  346,  344,  343,  341,  339,  337,  335,  334,  332,
    330,  328,  327,  325,  323,  321,  320,  318,  316,  314,  313,  311,  309,  308,  306,  304,  303,  301,  300,
    298,  296,  295,  293,  292,  290,  288,  287,  285,  284,  282,  281,  279,  278,  276,  274,  273,  271,  270,
    268,  267,  265,  264,  263,  261,  260,  258,  257,  255,  254,  252,  251,  250,  248,  247,  245,  244,  243,
    241,  240,  238,  237,  236,  234,  233,  232,  230,  229,  228,  226,  225,  224,  222,  221,  220,  218,  217,
    216,  214,  213,  212,  211,  209,  208,  207,  206,  204,  203,  202,  201,  199,  198,  197,  196,  194,  193,
    192,  191,  190,  188,  187,  186,  185,  184,  182,  181,  180,  179,  178,  176,  175,  174,  173,  172,  171,
    170,  168,  167,  166,  165,  164,  163,  162,  161,  159,  158,  157,  156,  155,  154,  153,  152,  151,  150,
    148,  147,  146,  145,  144,  143,  142,  141,  140,  139,  138,  137,  136,  135,  134,  133,  132,  131,  130,
    129,  128,  127,  125,  124,  123,  122,  121,  120,  119,  118,  117,  116,  116,  115,  114,  113,  112,  111,
    110,  109,  108,  107,  106,  105,  104,  103,  102,  101,  100,  99,   98,   97,   96,   95,   94,   93,   93,
    92,   91,   90,   89,   88,   87,   86,   85,   84,   83,   83,   82,   81,   80,   79,   78,   77,   76,   75,
    74,   74,   73,   72,   71,   70,   69,   68,   67,   67,   66,   65,   64,   63,   62,   61,   61,   60,   59,
    58,   57,   56,   56,   55,   54,   53,   52,   51,   51,   50,   49,   48,   47,   46,   46,   45,   44,   43,
    42,   42,   41,   40,   39,   38,   38,   37,   36,   35,   34,   34,   33,   32,   31,   30,   30,   29,   28,
    27,   27,   26,   25,   24,   23,   23,   22,   21,   20,   20,   19,   18,   17,   17,   16,   15,   14,   14,
    13,   12,   11,   11,   10,   9,    8,    8,    7,    6,    5,    5,    4,    3,    3,    2,    1,    0,
};
