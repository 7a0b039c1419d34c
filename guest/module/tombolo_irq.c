// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts become eventfds: a vector has any number of listeners, one for each file that asked.
 */
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "tombolo.h"

static void tombolo_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

static void tombolo_signal_all(struct tombolo_vector *vector)
{
	struct tombolo_listener *listener;
	unsigned long flags;

	spin_lock_irqsave(&vector->lock, flags);
	list_for_each_entry (listener, &vector->listeners, node)
		tombolo_signal(listener->eventfd);
	spin_unlock_irqrestore(&vector->lock, flags);
}

static void tombolo_signal_every(struct tombolo_device *device)
{
	unsigned int i;

	for (i = 0; i < device->vectors; i++)
		tombolo_signal_all(&device->vector[i]);
}

/*
 * In one-shot mode interrupts of any vector are lost until they are enabled again. So that is done
 * first, and then everybody looks what there is.
 */
static irqreturn_t tombolo_interrupt(int irq, void *data)
{
	struct tombolo_vector *vector = data;

	if (vector->device->v2.one_shot) {
		tombolo_v2_rearm(vector->device);
		tombolo_signal_every(vector->device);
	} else {
		tombolo_signal_all(vector);
	}
	return IRQ_HANDLED;
}

static int tombolo_irq_request(struct tombolo_device *device)
{
	unsigned int i;
	int error;

	for (i = 0; i < device->vectors; i++) {
		error = request_irq(pci_irq_vector(device->pdev, i), tombolo_interrupt, 0,
				    dev_name(&device->dev), &device->vector[i]);
		if (error)
			break;
	}
	if (i == device->vectors)
		return 0;
	while (i--)
		free_irq(pci_irq_vector(device->pdev, i), &device->vector[i]);
	return error;
}

int tombolo_irq_start(struct tombolo_device *device)
{
	unsigned int i;
	int count = pci_msix_vec_count(device->pdev);
	int error;

	if (count < 0) {
		dev_err(&device->pdev->dev,
			"no MSI-X: this is an ivshmem-plain, expected an ivshmem-doorbell\n");
		return count;
	}
	device->vectors = min(count, TOMBOLO_MOST_VECTORS);
	device->vector = kcalloc(device->vectors, sizeof(*device->vector), GFP_KERNEL);
	if (!device->vector)
		return -ENOMEM;
	for (i = 0; i < device->vectors; i++) {
		device->vector[i].device = device;
		spin_lock_init(&device->vector[i].lock);
		INIT_LIST_HEAD(&device->vector[i].listeners);
	}
	error = pci_alloc_irq_vectors(device->pdev, device->vectors, device->vectors, PCI_IRQ_MSIX);
	if (error < 0) {
		dev_err(&device->pdev->dev, "the kernel gives fewer than %u vectors: error %d\n",
			device->vectors, error);
		return error;
	}
	error = tombolo_irq_request(device);
	if (error)
		pci_free_irq_vectors(device->pdev);
	return error;
}

/* Whoever sleeps is woken once more, and finds the device gone. */
void tombolo_irq_stop(struct tombolo_device *device)
{
	unsigned int i;

	for (i = 0; i < device->vectors; i++)
		free_irq(pci_irq_vector(device->pdev, i), &device->vector[i]);
	pci_free_irq_vectors(device->pdev);
	tombolo_signal_every(device);
}

/* Puts `eventfd`, which may be NULL, in the place of the listener's. */
static void tombolo_replace(struct tombolo_vector *vector, struct tombolo_listener *listener,
			    struct eventfd_ctx *eventfd)
{
	struct eventfd_ctx *before;
	unsigned long flags;

	spin_lock_irqsave(&vector->lock, flags);
	before = listener->eventfd;
	if (before)
		list_del(&listener->node);
	listener->eventfd = eventfd;
	if (eventfd)
		list_add_tail(&listener->node, &vector->listeners);
	spin_unlock_irqrestore(&vector->lock, flags);
	if (before)
		eventfd_ctx_put(before);
}

/* Under file->lock. */
int tombolo_listen(struct tombolo_file *file, const struct tombolo_eventfd *request)
{
	struct tombolo_device *device = file->device;
	struct eventfd_ctx *eventfd = NULL;

	if (file->rights.flags & TOMBOLO_SEALED)
		return -EPERM;
	if (request->vector >= device->vectors)
		return -EINVAL;
	if (request->fd >= 0) {
		eventfd = eventfd_ctx_fdget(request->fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	tombolo_replace(&device->vector[request->vector], &file->listener[request->vector],
			eventfd);
	return 0;
}

void tombolo_listen_end(struct tombolo_file *file)
{
	unsigned int i;

	for (i = 0; i < file->device->vectors; i++)
		tombolo_replace(&file->device->vector[i], &file->listener[i], NULL);
}
