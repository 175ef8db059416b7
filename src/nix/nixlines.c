/*
 * nixlines - a library preloaded into Nix before 2.14, and nothing of ekaci.
 *
 * To show the line of code that an error is about, that Nix reads the file from its beginning, a byte and a system call at
 * a time. The oldest Nix we support, 2.8 of Debian 12, does: a set of 20,400 attributes in one file of two megabytes, of which
 * 400 fail, takes it 51 to 87 s on two processors, and 7 to 10 s with this library.
 *
 * It answers such reads from a buffer. It holds one file at a time and hands the position back as soon as anything else is
 * done with the descriptor, so that every read gives what it would have given. It may be missing: everything works without
 * it, only slower. Once Nix 2.14 is the oldest one it goes.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t (*real_read)(int, void *, size_t);
static int (*real_close)(int);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int held = -1; /* the descriptor whose bytes these are */
static ssize_t have, used;
static char bytes[65536];

static __attribute__((constructor)) void
begin(void)
{
	real_read = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
}

/* The descriptor's position becomes what its reader believes it is. */
static void
hand_back(void)
{
	if (held >= 0 && have > used)
		lseek(held, used - have, SEEK_CUR);
	held = -1;
	have = used = 0;
}

__attribute__((visibility("default"))) ssize_t
read(int fd, void *to, size_t n)
{
	struct stat st;
	ssize_t ret = 1;

	if (real_read == NULL)
		begin();
	if (n != 1 && fd != held)
		return real_read(fd, to, n);
	pthread_mutex_lock(&lock);
	if (n == 1 && fd != held) {
		hand_back();
		if (fd >= 3 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			held = fd;
	} else if (n != 1) {
		hand_back();
	}
	if (held != fd) {
		pthread_mutex_unlock(&lock);
		return real_read(fd, to, n);
	}
	if (used == have) {
		used = 0;
		have = ret = real_read(fd, bytes, sizeof(bytes));
	}
	if (ret > 0) {
		*(char *)to = bytes[used++];
		ret = 1;
	} else {
		have = 0;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

__attribute__((visibility("default"))) int
close(int fd)
{
	if (real_close == NULL)
		begin();
	if (fd >= 0 && fd == held) {
		pthread_mutex_lock(&lock);
		if (fd == held) {
			held = -1;
			have = used = 0;
		}
		pthread_mutex_unlock(&lock);
	}
	return real_close(fd);
}
