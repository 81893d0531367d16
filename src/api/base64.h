/* SPDX-License-Identifier: MIT
 *
 * Base64 (RFC 4648) in pieces: an encoder for references on their way out and a decoder for
 * pictures on their way in. Neither allocates, and neither ever sees a picture whole.
 */
#ifndef EASELFS_API_BASE64_H
#define EASELFS_API_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Characters that @length bytes become, padding included. */
uint64_t base64_encoded_length(uint64_t length);

struct base64_encoder {
    unsigned char carry[3]; /* bytes that do not fill a group yet */
    unsigned count;         /* how many of them: 0 to 2 */
};

/** Room that base64_encode() may need for @length bytes, a carry of 2 included. */
#define BASE64_ENCODE_ROOM(length) (((length) + 2) / 3 * 4 + 4)

/** Begin a text. */
void base64_encode_start(struct base64_encoder *encoder);

/**
 * Encode @length bytes with the standard alphabet; up to two stay in the encoder.
 *
 * @param text has room for BASE64_ENCODE_ROOM(@length) characters; no NUL is written.
 * @return characters written.
 */
size_t base64_encode(struct base64_encoder *encoder, const void *data, size_t length, char *text);

/** End the text with what is in the encoder, padded. @return characters written: 0 or 4. */
size_t base64_encode_finish(struct base64_encoder *encoder, char text[4]);

struct base64_decoder {
    uint32_t bits;   /* the values of an unfinished group, 6 bits each */
    unsigned count;  /* characters in it: 0 to 3 */
    unsigned pads;   /* `=` seen */
    bool damaged;    /* an illegal character came: nothing is decoded any more */
    uint64_t offset; /* characters taken so far; where damaged, the offset of the illegal one */
};

/** Room that base64_decode() may need for @length characters, an unfinished group included. */
#define BASE64_DECODE_ROOM(length) (((length) / 4 + 1) * 3 + 8)

/** Begin a text. */
void base64_decode_start(struct base64_decoder *decoder);

/**
 * Decode @length characters: both alphabets, even mixed; ASCII white space is skipped. A character
 * that is in neither, padding where none can be or that would drop bits, or anything but white
 * space after the padding sets @decoder->damaged; the groups before it have been decoded, and
 * nothing is any more.
 *
 * @param data has room for BASE64_DECODE_ROOM(@length) bytes.
 * @return bytes written to @data.
 */
size_t base64_decode(struct base64_decoder *decoder, const char *text, size_t length, void *data);

/**
 * Decode the run of alphabet characters that @text begins with, and stop before the first other
 * character without judging it: the fast path of whoever has to look at that character himself.
 *
 * @param data as for base64_decode().
 * @param written set to the number of bytes written to @data.
 * @return characters taken; 0 where @text begins with another character, or after padding.
 */
size_t base64_decode_run(struct base64_decoder *decoder, const char *text, size_t length,
                         void *data, size_t *written);

/**
 * End the text. Missing padding is accepted; a lone last character, and bits that no byte takes up
 * (RFC 4648, 3.5: what a text cut in the middle of a group looks like), set @decoder->damaged;
 * @decoder->offset is then the text's length.
 *
 * @return bytes written to @data: 0 to 2.
 */
size_t base64_decode_finish(struct base64_decoder *decoder, unsigned char data[2]);

/**
 * The characters of the unfinished group, in the standard alphabet: what arrived but was not
 * decoded, so that it can be kept where the text is damaged.
 *
 * @return how many were written: 0 to 3.
 */
size_t base64_decode_pending(const struct base64_decoder *decoder, char text[3]);

/** Whether @c belongs to either alphabet (padding and white space do not). */
bool base64_is_alphabet(char c);

#endif
