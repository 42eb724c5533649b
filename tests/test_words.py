"""The field's words: each is introduced in bold by one lesson, and none is used before."""

import re

import pytest

from notebooks import LESSONS, markdown, topic

WORDS = {  # and the lesson that introduces it
    "image": "start_here",
    "backpropagation": "start_here",
    "weight sharing": "filters_and_edges",
    "box blur": "filters_and_edges",
    "Prewitt": "filters_and_edges",
    "Laplacian": "filters_and_edges",
    "activation function": "pooling",
    "nonlinear": "pooling",
    "translation equivariance": "pooling",
    "invariance": "pooling",
    "kernel_size": "filters_and_edges",
    "window": "pooling",
    "aliasing": "pooling",
    "hyperparameter": "signs_dataset",
    "data leakage": "signs_dataset",
    "augmentation": "signs_dataset",
    "inference": "signs_network",
    "standard deviation": "signs_network",
    "distribution shift": "signs_network",
    "underfitting": "fashion_mnist",
    "minibatch": "fashion_mnist",
    "bfloat16": "fashion_mnist",
    "overfitting": "birds_and_airplanes",
    "memorize": "birds_and_airplanes",
    "underflow": "birds_and_airplanes",
    "calibrated": "birds_and_airplanes",
    "regularization": "overfitting_and_regularization",
    "initialization": "overfitting_and_regularization",
    "standard error": "overfitting_and_regularization",
    "skip connection": "overfitting_and_regularization",
    "Amdahl's law": "cifar10_at_speed",
    "warm-up": "cifar10_at_speed",
    "global average pooling": "cifar10_at_speed",
    "ablation": "cifar10_at_speed",
    "test-time augmentation": "cifar10_at_speed",
    "CUDA graph": "cifar10_at_speed",
    "MFU": "cifar10_at_speed",
}


def text_of(lesson):
    """Give a lesson's text without links and titles of other lessons."""
    return re.sub(r"\[.*?\]\(.*?\)", "", markdown(lesson))


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_field_is_introduced_before_it_is_used(word):
    used = [lesson for lesson in LESSONS if re.search(rf"(?i)\b{word}", text_of(lesson))]
    assert topic(used[0]) == WORDS[word], f"{word} is used in {used[0].name}"
    if word != "kernel_size":  # a name in PyTorch, in code
        assert re.search(rf"(?i)\*\*[^*\n]*\b{word}[^*\n]*\*\*", text_of(used[0])), f"**{word}**"
