"""The settings of a run: a tree of frozen dataclasses whose defaults every recipe starts from.

A recipe (`recipes/*.yaml`) or a user's `--config FILE.yaml` holds only what differs; any leaf is a
flag of `infogan train`: `--train.lr-g 1e-3`. Unknown keys are errors.
"""

import sys
from dataclasses import replace
from typing import Annotated, Literal

import tyro
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Natural = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**62)]  # three times as much is a generator's still


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the images come from, and how any picture becomes one of their size."""

    source: str = "mnist"
    """Built-in name (mnist, …), folder, file (.npy, .npz, .csv, .parquet, .h5) or hf:OWNER/NAME."""
    wanted: Annotated[str, tyro.conf.Suppress] = ""
    """What a recipe wants that has no images of its own, in words for where none are given."""
    size: Annotated[int, Field(ge=0, le=256)] = 0
    """Side of the square images, 8 to 256 pixels; 0: from the images."""
    channels: Literal[0, 1, 3] = 0
    """1: grey, 3: colour; 0: from the images."""
    fit: Literal["crop", "pad"] = "crop"
    """What becomes of a picture that is not square: its middle, or all of it with a border."""
    background: str = "white"
    """Colour behind transparent pixels and of a border."""
    on_bad: Literal["skip", "stop"] = "skip"
    """What to do about files that cannot be read: leave them out (but stop where they are more than
    max_bad), or stop at once."""
    max_bad: Fraction = 0.1
    """The share of files that may be left out; more, and something is wrong with all of them."""
    turns: Annotated[float, Field(gt=0, le=5)] = 1.5
    """Of the swiss roll; scikit-learn's has one and a half."""
    limit: Count = 0
    """How many images of a set with exact factors (rooms, sprites, …) to learn from; 0: as many as
    it says."""
    stream: bool = False
    """Read hf: sets as they are needed, without a copy on the disk; such a run cannot be resumed
    exactly."""
    buffer: Annotated[int, Field(ge=2)] = 8192
    """Of a stream, the images that each process has in memory at a time: an update draws its batch
    from them, and the next of the stream take its place."""


@dataclass(frozen=True, config=STRICT)
class NetConfig:
    """Generator, trunk and heads."""

    kind: str = "dcgan"
    """Architecture: dcgan, resnet (64 pixels and more) or mlp."""
    widths: tuple[Natural, ...] = ()
    """Trunk, input to features: channels of each stride-2 convolution (dcgan) or residual block
    (resnet), units of each hidden layer (mlp); the generator mirrors them. Empty: from the image
    size."""
    strides: tuple[Literal[1, 2], ...] = ()
    """Stride of each of these convolutions (dcgan), mirrored too; empty: 2 each."""
    g_widths: tuple[Natural, ...] = ()
    """Channels in a generator that does not mirror the trunk (dcgan): of its smallest image first,
    then of each transposed convolution but the last, all of stride 2; empty: it mirrors."""
    g_norms: tuple[bool, ...] = ()
    """Where that generator has batch norm, one for each of g_widths; empty: everywhere."""
    fc: Count = 1024
    """Units of the fully connected layer between convolutions and heads (not in mlp); 0: none."""
    norm: Literal["batch", "layer", "spectral", "none"] = "batch"
    """Normalization in the trunk: batch norm, layer norm, which knows no batch, or spectral norm of
    the weights (in D's head too)."""
    g_norm: Literal["batch", "none"] = "batch"
    """Normalization in the generator; g_norms says more finely where."""
    output: Literal["sigmoid", "tanh", "linear"] = "sigmoid"
    """What G ends with. sigmoid: pixels in [0, 1], read as they are; tanh: the same pixels, which
    the trunk reads from -1 to 1; linear: vectors, which the networks see standardized."""
    up: Literal["transposed", "nearest"] = "transposed"
    """How G doubles its image: by transposed convolutions, as the paper, or by repeating pixels and
    a convolution after it, which leaves no checkerboard (dcgan; resnet always does)."""
    slope: NonNegative = 0.1
    """Leaky ReLU's slope in trunk and heads."""
    fourier: Count = 0
    """Random waves cos(b·x), sin(b·x) that the trunk sees beside x (mlp): plain layers are slow to
    tell apart what lies close together, as the layers of a roll do."""
    fourier_scale: Positive = 1.0
    """Standard deviation of b, in radians per unit of x (of vectors: per standard deviation)."""
    q_hidden: Natural = 128
    """Units of Q's own hidden layer."""
    q_norm: bool = False
    """Batch norm in Q's hidden layer, as the paper has it."""
    q_gain: Positive = 1.0
    """Factor on the first weights of Q's last layer for the categories. At 1 a fresh softmax is
    nearly even, which is a saddle of the information on real pairs: hundreds of updates pass."""
    q_linear: bool = False
    """Q reads continuous codes from the trunk's features by one linear layer, without its hidden
    layer: a code is then one direction of features, whatever the category."""


@dataclass(frozen=True, config=STRICT)
class LossConfig:
    """The terms of the objective; every weight is in nats."""

    adversarial: str = "nonsaturating"
    """V(D, G): nonsaturating, least-squares, hinge, wasserstein or relativistic."""
    r1: NonNegative = 0.0
    """Weight of R1, the squared gradient norm of D at real images. Under batch norm an image's
    gradient holds what it does to the others' logits too: net.norm spectral, layer or none has the
    paper's."""
    r1_every: Natural = 1
    """Updates between two that have R1, which then counts as much more: the same in the mean, and
    its second backward pass is paid for less often."""
    r2: NonNegative = 0.0
    """Weight of R2, the same at generated images."""
    gp: NonNegative = 0.0
    """Weight of the gradient penalty between real and generated images."""
    instance_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the real and generated images that D judges, in units
    of x (of vectors: standard deviations): what is finer than it is learnt later. Copies and
    look-alikes that Q alone learns from stay without."""
    instance_noise_until: Count = 0
    """The update at which that noise has been let down evenly; 0: it stays as it is."""
    instance_noise_to: NonNegative = 0.0
    """What it is let down to."""
    lam_ramp: Count = 0
    """Updates over which λ of the categorical codes rises from 0 to its value."""
    lam_starts: tuple[Count, ...] = ()
    """Update at which λ of each continuous code sets in, in the codes' order (the last holds for
    those that follow; empty: 0): a code then takes the largest factor that the ones before left."""
    lam_rest: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of a continuous code's λ from update lam_rest_from on: what finds a factor is more than
    what holds it, and pays G for writing the code down more finely than it can draw."""
    lam_rest_from: Count = 0
    """The update from which lam_rest counts."""
    lam_d_categorical: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of a categorical code's λ in the D step. Where Q also learns from real pairs, the whole
    of it holds a wrong category: G draws it, and its images then teach Q that it is one."""
    lam_d_continuous: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of a continuous code's λ in the D step: a trunk that is bent to tell slant before it
    tells digits sorts the categories by slant. G's step has the whole λ."""
    pairs: NonNegative = 0.0
    """Weight of the information between Q's categories of a real image and of an augmented copy."""
    pairs_m: Positive = 2.0
    """m, the weight on the marginal entropy in that information; 1: mutual information. Above 1 it
    supposes classes of about equal size."""
    pairs_memory: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the running marginal that m looks at; 0: the marginal of each batch alone."""
    votes: NonNegative = 0.0
    """Weight of the votes: how likely Q finds, for an augmented copy, the category that most of the
    images nearest to its original have, by the trunk's features. From update votes_from on they
    take the place of pairs, which must be on."""
    votes_from: Count = 1000
    """The update from which votes count."""
    votes_every: Natural = 300
    """Updates between two counts of the votes."""
    votes_alone_from: Count = 0
    """The update from which the game is over: G rests, as its moving average, and trunk and Q learn
    from the votes and from what G draws, at a third of the cost of an update; 0: never. It waits
    until votes count, which is not before votes_from."""
    votes_alone_fakes: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Generated images beside each real one from then on: Q knows already what it makes G draw."""
    components: NonNegative = 0.0
    """Weight of how likely Q's continuous codes find, for a real image, the principal components
    within kinds of what a scout's convolutions see, until the game is over. Where a scout was sent,
    it takes the place of alike."""
    alike: NonNegative = 0.0
    """Weight of the information that Q's continuous codes keep between a real image and one that
    looks like it: they are then what makes images of one category differ most."""
    alike_until: Count = 1000
    """The update until which alike counts, when the factors are found; from then on Q follows what
    G draws."""
    alone: NonNegative = 0.0
    """Weight of what one code makes by itself of each place of the images, of those of categories
    (or all, where there are none): a code then moves a part that no other one moves. G makes twice
    as many images for it."""
    alone_until: Count = 0
    """The update until which alone counts, when parts have their codes; 0: to the end."""
    contrast: NonNegative = 0.0
    """Weight of what a small network tells of which code two of G's images share, which G is paid
    for (InfoGAN-CR); G makes twice as many images for it, three times in all."""
    contrast_from: Count = 0
    """The update from which contrast counts."""
    diffaugment: Annotated[float, Field(ge=-1, le=2)] = 0.0
    """Strength of DiffAugment, random colour, place and cutout of all that D sees, for sets that it
    would learn by heart: 1: the usual ranges, 0: none, -1: by the number of images."""

    @property
    def over_from(self) -> int:
        """The update from which the game is over, if votes count by then; beyond all where that is
        never."""
        if not self.votes or not self.votes_alone_from:
            return sys.maxsize
        return max(self.votes_alone_from, self.votes_from)


@dataclass(frozen=True, config=STRICT)
class AugmentConfig:
    """The augmented copy of a real image that should keep its category; each 0 turns one off."""

    rotation: NonNegative = 15.0
    """Degrees, drawn from ± this. A 6 turned by half is a 9: keep it small where turning changes
    the meaning."""
    shear: NonNegative = 0.2
    """Horizontal shear, ± this."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Zoom, 1 ± this."""
    warp: NonNegative = 0.0
    """Smooth warping: each node of a 5×5 grid moves by ± this, as a fraction of the half-width."""
    warp_from: Count = 0
    """From this update on, and not before votes count: while kinds form, a warp can bend one into
    another. 0: from the first on, whatever Q learns."""
    erase: Fraction = 0.0
    """Share of the copies that lose a band along one side, a seventh to half of the image, so that
    Q learns to do without any one part. No measure makes such copies."""
    erase_from: Count = 0
    """From this update on, and not before votes count: while kinds form, what is left of one can
    look like another. 0: from the first on, whatever Q learns."""
    shift: NonNegative = 0.0714
    """Translation as a fraction of the image's side, ± this (2 pixels of 28)."""
    colour: Fraction = 0.0
    """How much the light changes: brightness and contrast, of colour images saturation and hue too;
    1: any hue. Scouts then see the pattern of light and dark alone, and look-alikes are those of
    the same pattern. Keep it 0 where colour tells kinds apart."""
    adversarial: NonNegative = 0.0
    """Root mean square, over the pixels, of a last change of each copy: the one that moves Q's
    categories most (virtual adversarial training). The trunk reads each copy twice more, and once
    backwards; scouts do without."""
    neighbours_until: Count = 0
    """Until this update the copies of half of the images are made of another one, that looks like
    it: it ties the odd images of a kind to the others, and supposes that images that look alike
    mostly show the same."""

    @property
    def patterns(self) -> bool:
        """Whether scouts, and who looks for look-alikes, go by patterns of light and dark alone."""
        return self.colour > 0

    def at(self, update: int, voted: bool) -> "AugmentConfig":
        """The ranges at that update, at which Q learns votes or not."""

        def on(since: int) -> bool:
            return not since or (voted and update >= since)

        warp = self.warp if on(self.warp_from) else 0.0
        return replace(self, warp=warp, erase=self.erase if on(self.erase_from) else 0.0)


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """Optimization, and what is written when."""

    seed: Seed = 0
    """Seed of everything random."""
    updates: Natural = 5000
    """Updates of D and of G."""
    restarts: Annotated[Natural, tyro.conf.arg(aliases=["--restarts"])] = 1
    """Short starts from different weights at most, of which the best goes on, by information on
    real pairs or, without those, by the game's value (no label is looked at); the first whose
    categories stand apart is taken at once. 1: none. A run of no more than restart_updates has
    none."""
    restart_updates: Natural = 300
    """Updates of each start."""
    scout_updates: Count = 0
    """Updates of a scout, where Q learns from real pairs and votes: before the game it finds many
    small categories on real images alone and joins them to as many as the code has. Scouts are then
    the starts of which there are up to restarts; 0: none."""
    scout_parts: Natural = 5
    """Small categories that a scout looks for, for each of the code's (100 in all at most)."""
    scout_followed: Natural = 300
    """Updates in which Q learns what the scout found, before it goes on by itself (until votes_from
    at most)."""
    batch: Annotated[int, Field(ge=2)] = 128
    """Images per update, of all processes together."""
    d_steps: Natural = 1
    """Steps of D and Q in each update, each on real images of its own."""
    g_steps: Natural = 1
    """Steps of G in each update, after D's."""
    shared_fakes: bool = False
    """One draw of z and c for D's step and the first of G's, as in PyTorch's DCGAN example, instead
    of one each, as in the paper's code: a step takes 8 to 9 % less."""
    lr_d: Positive = 2e-4
    """Adam's rate for trunk, D head and Q head."""
    lr_g: Positive = 1e-3
    """Adam's rate for G."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Adam's β1."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Adam's β2."""
    decay_from: Fraction = 1.0
    """Fraction of the updates after which both rates fall linearly; 1: never."""
    decay_to: Fraction = 0.05
    """What the rates fall to, as a fraction of their first value."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Decay of the moving average of G's weights, which is the G that is kept; 0: none."""
    ema_d: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The same for trunk, D and Q: the categories are then those of the average; 0: none."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Number format of convolutions and products; auto: bfloat16 where the processor has it."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    compile: bool = False
    """Let torch.compile make code for the networks first: half a minute or more, and needs a C++
    compiler. A step was then measured to take a fifth longer on processors, and three to six tenths
    longer on a GPU, where it is not recorded either."""
    graphs: bool = True
    """On a GPU, record once what a step launches and play that from then on (CUDA graphs): the same
    kernels, without the time that launching them one by one takes."""
    threads: Count = 0
    """Processor threads; 0: torch's choice."""
    log_every: Natural = 10
    """Updates between two lines of log.jsonl."""
    sample_every: Natural = 500
    """Updates between two sample pictures."""
    checkpoint_every: Natural = 250
    """Updates between two checkpoints."""
    keep: Natural = 2
    """Checkpoints kept."""
    tensorboard: bool = False
    """Also write TensorBoard events."""


@dataclass(frozen=True, config=STRICT)
class Config:
    """Everything that decides a run."""

    recipe: Annotated[str, tyro.conf.Suppress] = ""
    """The recipe that the settings started from."""
    codes: str = "z62 + digit:cat10 + 2u"
    """Noise and codes: [name:][count]kind[size][(arguments)][@λ], kinds z, cat, u, g, bern."""
    objective: Literal["infogan", "gan"] = "infogan"
    """infogan: L_I is part of the game; gan: a plain GAN, Q only looks on."""
    data: DataConfig = Field(default_factory=DataConfig)
    net: NetConfig = Field(default_factory=NetConfig)
    loss: LossConfig = Field(default_factory=LossConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
