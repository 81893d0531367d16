/* SPDX-License-Identifier: MIT
 *
 * What kind of picture some bytes are, by the fewest bytes that make it one. Names count for
 * nothing: the files have none.
 */
#include "store_place.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "store/imagetype.h"

static struct imagetype *imagetype;

static int make_file(const void *data, size_t length)
{
    int fd = memfd_create("bytes", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, data, length), 0);
    return fd;
}

/* The MIME type that is detected, or "" for no picture. */
static const char *detect(const void *data, size_t length)
{
    const struct image_type *type = (const struct image_type *)-1;
    int fd = make_file(data, length);

    assert_int_equal(imagetype_detect(imagetype, fd, &type), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)length);
    close(fd);
    return type ? type->mime : "";
}

#define PNG  "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde"
#define JPEG "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"
#define WEBP "RIFF\x1a\0\0\0WEBPVP8L\r\0\0\0\x2f\0\0\0\x10\7\x10\x11\x11\x88\x88\xfe\7\0"
#define HEIC     \
    "\0\0\0\x18" \
    "ftypheic\0\0\0\0mif1heic"
#define HEIF     \
    "\0\0\0\x18" \
    "ftypmif1\0\0\0\0mif1heic"
#define AVIF     \
    "\0\0\0\x1c" \
    "ftypavif\0\0\0\0avifmif1miaf"
#define GIF         "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff;"
#define TIFF_LITTLE "II*\0\x08\0\0\0\1\0\0\1\3\0\1\0\0\0\1\0\0\0\0\0\0\0"
#define TIFF_BIG    "MM\0*\0\0\0\x08\0\1\1\0\0\3\0\0\0\1\0\1\0\0\0\0\0\0"
#define SVG         "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>\n"

#define BYTES(text) text, sizeof(text) - 1

static const struct sample {
    const char *bytes;
    size_t length;
    const char *mime;
} samples[] = {
    {BYTES(PNG), "image/png"},
    {BYTES(JPEG), "image/jpeg"},
    {BYTES(WEBP), "image/webp"},
    {BYTES(HEIC), "image/heic"},
    {BYTES(HEIF), "image/heif"},
    {BYTES(AVIF), "image/avif"},
    {BYTES(GIF), "image/gif"},
    {BYTES(TIFF_LITTLE), "image/tiff"},
    {BYTES(TIFF_BIG), "image/tiff"},
    {BYTES(SVG), "image/svg+xml"},
    {BYTES(""), ""},
    {BYTES("\0"), ""},
    {BYTES("A cat on a mat.\n"), ""},
    {BYTES("{\"candidates\":[]}"), ""},
    {BYTES("<!DOCTYPE html><html><body><svg></svg></body></html>"), ""},
    {BYTES("%PDF-1.7\n"), ""},
    {BYTES("PK\3\4"), ""},
    {BYTES("\x1f\x8b\x08\0\0\0\0\0"), ""},
    {BYTES("RIFF\x1a\0\0\0WAVEfmt "), ""},
    {BYTES("\0\0\0\x18"
           "ftypmp42\0\0\0\0mp42isom"),
     ""},
    {BYTES("iVBORw0KGgoAAAANSUhEUg=="), ""}, /* a PNG, still in base64 */
    {BYTES(" " PNG), ""},
};

static void detects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        assert_string_equal(detect(samples[i].bytes, samples[i].length), samples[i].mime);
}

/* A cut file is what it was or nothing, and never something else. */
static void detects_cut_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t length = 0; length < samples[i].length; length++) {
            const char *mime = detect(samples[i].bytes, length);

            if (*mime && strcmp(mime, samples[i].mime) != 0)
                fail_msg("%zu bytes of %s are %s", length, samples[i].mime, mime);
        }
    }
    assert_string_equal(detect(BYTES("\x89PN")), "");
    assert_string_equal(detect(BYTES("\x89PNG\r\n\x1a\n")), "");
    assert_string_equal(detect(BYTES("\xff\xd8\xff\xe0")), "image/jpeg");
}

/* The kind is told by the beginning, however much comes. */
static void detects_large_files(void **state)
{
    const size_t length = 3 << 20;
    char *bytes = calloc(1, length);

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, PNG, sizeof(PNG) - 1);
    assert_string_equal(detect(bytes, length), "image/png");
    memset(bytes, '{', length);
    assert_string_equal(detect(bytes, length), "");
    memcpy(bytes + 65536, PNG, sizeof(PNG) - 1);
    assert_string_equal(detect(bytes, length), "");
    free(bytes);
}

static void names(void **state)
{
    static const struct sample named[] = {
        {BYTES(PNG), "image/png"},
        {BYTES("A cat on a mat.\n"), "text/plain"},
        {BYTES("%PDF-1.7\n"), "application/pdf"},
        {BYTES("\1\2\3"), "application/octet-stream"},
    };
    char name[IMAGETYPE_NAME_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        int fd = make_file(named[i].bytes, named[i].length);

        assert_int_equal(imagetype_name(imagetype, fd, name), 0);
        assert_string_equal(name, named[i].mime);
        close(fd);
    }
}

static void passes_on_errors(void **state)
{
    const struct image_type *type = (const struct image_type *)-1;
    char name[IMAGETYPE_NAME_SIZE];
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ends[2];

    (void)state;
    assert_int_equal(imagetype_detect(imagetype, -1, &type), -EBADF);
    assert_int_equal(imagetype_detect(imagetype, directory, &type), -EISDIR);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(imagetype_detect(imagetype, ends[0], &type), -ESPIPE);
    assert_int_equal(imagetype_name(imagetype, ends[0], name), -ESPIPE);
    assert_ptr_equal(type, (const struct image_type *)-1);
    close(ends[0]);
    close(ends[1]);
    close(directory);
}

/* What may be sent, what may be given out, and as what. */
static void knows_types(void **state)
{
    static const struct {
        const char *mime, *extension;
        bool is_reference, is_result;
    } known[] = {
        {"image/png", "png", true, true},    {"image/jpeg", "jpg", true, true},
        {"image/webp", "webp", true, true},  {"image/heic", "heic", true, true},
        {"image/heif", "heif", true, true},  {"image/gif", "gif", false, true},
        {"image/tiff", "tiff", false, true}, {"image/svg+xml", "svg", false, false},
        {"image/avif", "avif", false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct image_type *type = imagetype_find(known[i].mime);

        assert_non_null(type);
        assert_string_equal(type->mime, known[i].mime);
        assert_string_equal(type->extension, known[i].extension);
        assert_int_equal(type->is_reference, known[i].is_reference);
        assert_int_equal(type->is_result, known[i].is_result);
    }
    assert_null(imagetype_find(""));
    assert_null(imagetype_find("image/PNG"));
    assert_null(imagetype_find("image/png "));
    assert_null(imagetype_find("text/html"));
    imagetype_destroy(NULL);
}

#define THREAD_COUNT 4

static _Atomic unsigned wrong_count;

static void *look(void *context)
{
    const struct sample *sample = context;
    int fd = memfd_create("bytes", MFD_CLOEXEC);

    if (fd < 0 || io_write_all(fd, sample->bytes, sample->length))
        atomic_fetch_add(&wrong_count, 1);
    for (int i = 0; i < 300; i++) {
        const struct image_type *type = NULL;

        if (imagetype_detect(imagetype, fd, &type) || type != imagetype_find(sample->mime))
            atomic_fetch_add(&wrong_count, 1);
    }
    close(fd);
    return NULL;
}

static void looks_in_many_threads(void **state)
{
    pthread_t threads[THREAD_COUNT];

    (void)state;
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, (void *)&samples[i]), 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong_count), 0);
}

static int load(void **state)
{
    (void)state;
    return imagetype_create(&imagetype);
}

static int unload(void **state)
{
    (void)state;
    imagetype_destroy(imagetype);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detects),
        cmocka_unit_test(detects_cut_files),
        cmocka_unit_test(detects_large_files),
        cmocka_unit_test(names),
        cmocka_unit_test(passes_on_errors),
        cmocka_unit_test(knows_types),
        cmocka_unit_test(looks_in_many_threads),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
