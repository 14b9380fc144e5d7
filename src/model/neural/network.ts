/**
 * Training and running a network on TensorFlow.js, on whatever backend was chosen. Loaded in the neural thread only, which gives back what the
 * library costs when it ends. The way back through the layers is written out: the product with a transposed matrix that the library's own
 * gradients ask for takes ten times as long on WebAssembly as that with a transposed copy, and of the output's loss only the difference remains.
 */
import {
  fused,
  matMul,
  memory,
  mul,
  sigmoid,
  sign,
  softplus,
  step,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  train,
  transpose,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import { type Weights, widthsOf } from './weights.ts';

export interface Network {
  /** One step of Adam towards `targets`; both row by row. Returns the loss before it: cross entropy of chances, mean distance of numbers. */
  learn(inputs: Float32Array, targets: Float32Array): number;
  /** Row by row. */
  predict(inputs: Float32Array): Float32Array;
  weights(): Weights;
  dispose(): void;
}

export interface NetworkShape {
  /** Of the last layer: chances between 0 and 1, or any number. */
  output: 'sigmoid' | 'linear';
  learningRate: number;
}

interface DenseLayer {
  kernel: Variable;
  bias: Variable;
}

/** For the variable of that name. */
interface Gradient {
  name: string;
  tensor: Tensor;
}

export function createNetwork(weights: Weights, { output, learningRate }: NetworkShape): Network {
  const widths = widthsOf(weights);
  const [inputWidth = 0] = widths;
  const outputWidth = widths.at(-1) ?? 0;
  const layers = tidy(() =>
    weights.map(({ inputs, outputs, kernel, bias }) => ({
      kernel: variable(tensor2d(kernel, [inputs, outputs])),
      bias: variable(tensor1d(bias)),
    })),
  );
  const optimizer = train.adam(learningRate);
  const rowsOf = (values: Float32Array, width: number) => tensor2d(values, [values.length / width, width]);
  return {
    learn: (inputs, targets) =>
      tidy(() => {
        const { given, out } = forward(layers, rowsOf(inputs, inputWidth));
        const wanted = rowsOf(targets, outputWidth);
        const { loss, slope } = output === 'sigmoid' ? crossEntropy(out, wanted) : distance(out, wanted);
        optimizer.applyGradients(backward(layers, given, mul(slope, 1 / targets.length)));
        return (sum(loss).dataSync()[0] as number) / targets.length;
      }),
    predict: (inputs) =>
      tidy(() => {
        const { out } = forward(layers, rowsOf(inputs, inputWidth));
        return Float32Array.from((output === 'sigmoid' ? sigmoid(out) : out).dataSync());
      }),
    weights: () =>
      weights.map(({ inputs, outputs }, i) => {
        const { kernel, bias } = layers[i] as DenseLayer;
        return { inputs, outputs, kernel: Float32Array.from(kernel.dataSync()), bias: Float32Array.from(bias.dataSync()) };
      }),
    dispose() {
      for (const { kernel, bias } of layers) {
        kernel.dispose();
        bias.dispose();
      }
      optimizer.dispose();
    },
  };
}

/** What each layer was given, and what comes out of the last. */
function forward(layers: readonly DenseLayer[], inputs: Tensor2D): { given: Tensor2D[]; out: Tensor2D } {
  const given: Tensor2D[] = [];
  let out = inputs;
  layers.forEach(({ kernel, bias }, i) => {
    given.push(out);
    const activation = i === layers.length - 1 ? 'linear' : 'relu';
    out = fused.matMul({ a: out, b: kernel, bias, activation }) as Tensor2D;
  });
  return { given, out };
}

/** By how much the loss grows with each weight, where it grows by `slope` with each number that comes out. */
function backward(layers: readonly DenseLayer[], given: readonly Tensor2D[], slope: Tensor2D): Gradient[] {
  const gradients: Gradient[] = [];
  let after = slope;
  for (let i = layers.length - 1; i >= 0; i--) {
    const { kernel, bias } = layers[i] as DenseLayer;
    const input = given[i] as Tensor2D;
    gradients.push({ name: kernel.name, tensor: matMul(transpose(input), after) }, { name: bias.name, tensor: sum(after, 0) });
    if (i > 0) after = mul(matMul(after, transpose(kernel as Variable & Tensor2D)), step(input));
  }
  return gradients;
}

interface Loss {
  loss: Tensor2D;
  slope: Tensor2D;
}

/** Of chances given by their logarithms of odds. */
function crossEntropy(out: Tensor2D, wanted: Tensor2D): Loss {
  return { loss: sub(softplus(out), mul(out, wanted)), slope: sub(sigmoid(out), wanted) };
}

function distance(out: Tensor2D, wanted: Tensor2D): Loss {
  const off = sub<Tensor2D>(out, wanted);
  const slope = sign<Tensor2D>(off);
  return { loss: mul(off, slope), slope };
}

/** Tensors alive, for a test that none is forgotten. */
export function tensorsAlive(): number {
  return memory().numTensors;
}
