"""Each kind of input that is met in the field, by its id, and the tests that keep what it gives."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
INPUTS = Path(__file__).parents[3] / "shared" / "INPUTS.md"
#: id → what it is, and its tests
TABLE = {
    "Y1": ("a row without a score", ["formats/test_yolo.py::test_rows_as_they_are_written"]),
    "Y2": ("a score in the sixth column, 0 too", ["formats/test_yolo.py::test_rows_as_they_are_written"]),
    "Y3": (
        "a track id in the sixth column",
        [
            "formats/test_yolo.py::test_rows_as_they_are_written",
            "formats/test_yolo.py::test_y3_scores_and_track_ids_in_one_column_end_the_run_with_the_option",
        ],
    ),
    "Y4": ("score and track", ["formats/test_yolo.py::test_y4_tracks_stay_with_their_boxes"]),
    "Y5": ("the score second", ["formats/test_yolo.py::test_y5_columns_say_what_each_is"]),
    "Y6": (
        "outlines",
        ["formats/test_yolo.py::test_y6_an_outlines_bounds_are_the_box_and_the_outline_comes_on_request"],
    ),
    "Y7": (
        "outlines with a score, oriented boxes, poses",
        [
            "formats/test_yolo.py::test_rows_as_they_are_written",
            "formats/test_yolo.py::test_y7_seven_columns_with_two_readings_are_an_error",
        ],
    ),
    "Y8": ("blank lines, CRLF, tabs", ["formats/test_yolo.py::test_rows_as_they_are_written"]),
    "Y9": (
        "byte-order marks and encodings",
        [
            "formats/test_yolo.py::test_rows_as_they_are_written",
            "reading/test_names.py::test_another_encoding_is_an_error_that_names_the_place",
        ],
    ),
    "Y10": ("an empty file", ["formats/test_yolo.py::test_y10_an_empty_file_is_an_image_without_boxes"]),
    "Y11": ("a class written as a float", ["formats/test_yolo.py::test_rows_as_they_are_written"]),
    "Y12": (
        "a class out of range",
        ["formats/test_yolo.py::test_y12_a_class_out_of_range_is_one_record_for_the_class"],
    ),
    "Y13": (
        "a box beyond its image",
        [
            "formats/test_yolo.py::test_y13_y14_boxes_beyond_the_image_or_without_size_are_left_to_the_fit",
            "boxes/test_boxes_fit.py::test_a_box_that_reaches_out_is_clipped_and_counted_once",
        ],
    ),
    "Y14": (
        "a box without size, NaN",
        [
            "formats/test_yolo.py::test_a_row_that_is_no_detection_costs_only_itself",
            "boxes/test_boxes_fit.py::test_a_tiny_box_is_expanded_to_the_pixel_that_it_lies_in",
        ],
    ),
    "Y15": ("pixels in place of shares", ["formats/test_yolo.py::test_y15_pixels_are_read_as_such_when_told"]),
    "Y16": (
        "names in all their forms",
        [
            "reading/test_names.py::test_a_yaml_keeps_ids_and_names_as_written",
            "reading/test_names.py::test_a_class_with_two_names_is_an_error_that_shows_both",
        ],
    ),
    "Y17": (
        "one stem in several folders",
        [
            "formats/test_yolo.py::test_y17_sub_folders_and_dots_in_names",
            "formats/test_yolo.py::test_y17_a_stem_with_two_images_fails_with_both",
        ],
    ),
    "Y18": (
        "a file written to twice",
        ["formats/test_yolo.py::test_y18_lines_written_twice_are_collapsed_and_counted"],
    ),
    "Y19": ("files of frames", ["formats/test_yolo.py::test_y19_files_of_frames_are_one_video"]),
    "Y20": ("no size of the image", ["formats/test_yolo.py::test_y20_an_image_of_unknown_size_fails_with_the_options"]),
    "Y21": (
        "an image turned by EXIF",
        ["reading/test_images.py::test_sizes_swapped_by_exif_orientation_are_an_error_that_says_so"],
    ),
    "Y22": (
        "classification output",
        ["formats/test_yolo.py::test_a_file_that_is_something_else_fails_and_the_others_go_on"],
    ),
    "Y23": (
        "poses",
        [
            "formats/test_yolo_rows.py::test_y23_with_kpt_shape_rows_are_poses",
            "formats/test_yolo_rows.py::test_y23_poses_that_nobody_says_are_an_error_with_both_readings",
        ],
    ),
    "Y24": (
        "boxes and outlines mixed",
        ["formats/test_yolo_rows.py::test_y24_each_row_is_read_by_its_own_width_however_late_an_outline_comes"],
    ),
    "Y25": (
        "columns in darknet's order",
        [
            "formats/test_yolo_rows.py::test_y25_columns_in_darknets_order_are_an_error_with_both_orders",
            "cli/test_cli.py::test_a_share_that_was_clipped_is_in_the_summary",
        ],
    ),
    "Y26": ("obj.data as names", ["formats/test_yolo_rows.py::test_y26_darknets_obj_data_names_the_file_of_names"]),
    "Y27": (
        "class names in rows",
        [
            "formats/test_yolo_rows.py::test_y27_class_names_in_the_first_column_are_names",
            "formats/test_yolo_rows.py::test_y27_a_name_that_is_not_listed_is_one_error_that_says_so",
        ],
    ),
    "Y28": (
        "labels beside images in every split",
        ["formats/test_one_image_once.py::test_y28_labels_and_images_beside_each_other_in_every_split"],
    ),
    "Y29": (
        "percent-encoded and decomposed stems",
        [
            "formats/test_one_image_once.py::test_y29_a_percent_encoded_stem_finds_its_image",
            "reading/test_images.py::test_y29_percent_signs_are_undone_only_where_the_plain_name_is_not_there",
        ],
    ),
    "Y30": (
        "a cut row in the first file",
        ["formats/test_yolo_rows.py::test_y30_one_cut_row_in_the_first_file_does_not_hide_the_format"],
    ),
    "Y31": (
        "one track twice in a frame",
        ["formats/test_yolo_rows.py::test_y31_of_two_boxes_with_one_track_in_a_frame_the_better_stays"],
    ),
    "Y32": (
        "all frames in one file",
        ["formats/test_yolo_rows.py::test_y32_all_frames_of_a_video_in_one_file_are_said"],
    ),
    "Y33": (
        "scores beyond 0 to 1",
        [
            "formats/test_yolo_rows.py::test_y33_scores_of_percent_are_an_error_that_names_the_option",
            "formats/test_yolo_rows.py::test_y33_negative_scores_and_nan_are_dropped_with_a_reason",
        ],
    ),
    "C1": (
        "a list of results",
        [
            "formats/test_coco.py::test_c1_results_with_a_dataset_beside_them",
            "formats/test_coco.py::test_c1_results_alone_name_the_flag_to_add",
        ],
    ),
    "C2": ("nothing in it", ["formats/test_coco.py::test_c2_nothing_is_a_success"]),
    "C3": (
        "wrapped, lines, gzip, standard input",
        [
            "formats/test_coco.py::test_c3_results_wrapped_or_compressed",
            "formats/test_coco.py::test_c3_results_one_a_line",
        ],
    ),
    "C4": ("a score in an annotation", ["formats/test_coco.py::test_c4_c5_a_dataset_with_scores_and_a_category_0"]),
    "C5": ("category 0", ["formats/test_coco.py::test_c4_c5_a_dataset_with_scores_and_a_category_0"]),
    "C6": (
        "category ids shifted by one",
        ["formats/test_coco.py::test_c6_ids_that_are_shifted_by_one_are_noted_with_the_option"],
    ),
    "C7": (
        "unknown categories and images",
        ["formats/test_coco.py::test_c7_unknown_categories_and_images_are_counted_once_each"],
    ),
    "C8": (
        "ids as texts and floats",
        [
            "formats/test_coco.py::test_c8_ids_are_compared_by_what_they_mean",
            "formats/test_coco.py::test_c8_a_stem_as_an_id_keeps_its_zeros",
        ],
    ),
    "C9": ("optional keys", ["formats/test_coco.py::test_c9_everything_but_the_box_is_optional"]),
    "C10": ("duplicate ids", ["formats/test_coco.py::test_c10_an_image_id_with_two_files_is_an_error"]),
    "C11": (
        "paths of Windows, one name in two folders",
        [
            "formats/test_coco.py::test_c11_backslashes_are_slashes",
            "reading/test_images.py::test_images_of_one_base_name_are_told_apart_by_their_folders",
        ],
    ),
    "C12": (
        "bbox null, empty, of texts",
        ["formats/test_coco.py::test_c12_c15_an_item_that_is_no_box_costs_only_itself"],
    ),
    "C13": (
        "a segmentation alone",
        ["formats/test_coco.py::test_c13_the_bounds_of_a_segmentation_are_the_box_where_there_is_none"],
    ),
    "C14": ("a crowd region", ["formats/test_coco.py::test_c14_a_crowd_is_dropped_in_a_dataset_and_kept_in_results"]),
    "C15": (
        "negative sides, NaN",
        [
            "formats/test_coco.py::test_c12_c15_an_item_that_is_no_box_costs_only_itself",
            "formats/test_coco.py::test_c15_nan_literals_cost_only_their_item",
        ],
    ),
    "C16": ("corners as bbox", ["formats/test_coco.py::test_c16_c17_another_form_is_an_error_that_names_the_option"]),
    "C17": ("shares as bbox", ["formats/test_coco.py::test_c16_c17_another_form_is_an_error_that_names_the_option"]),
    "C18": (
        "two categories of one name",
        [
            "formats/test_coco.py::test_c18_categories_of_one_name_are_one_label_with_a_note",
            "boxes/test_boxes_label_map.py::test_near_misses_come_best_first",
        ],
    ),
    "C19": ("LVIS without file_name", ["formats/test_coco.py::test_c19_lvis_names_images_by_their_url"]),
    "C20": (
        "a file of any size",
        ["formats/test_coco_images.py::test_c20_a_file_of_any_size_is_read_in_bounded_memory"],
    ),
    "C21": (
        "results in memory",
        ["formats/test_coco_images.py::test_c21_results_in_memory_are_read_whatever_holds_their_numbers"],
    ),
    "C22": (
        "boxes in a model's input",
        ["formats/test_coco.py::test_c22_boxes_in_a_models_input_are_scaled_when_told"],
    ),
    "C23": (
        "file_name against image_id",
        [
            "formats/test_coco_images.py::test_c23_a_file_name_that_contradicts_the_image_id_is_an_error_with_both",
            "formats/test_coco_images.py::test_c23_a_name_alone_is_taken_where_the_dataset_does_not_know_the_id",
        ],
    ),
    "C24": (
        "image ids that begin elsewhere",
        ["formats/test_coco_images.py::test_c24_image_ids_that_begin_elsewhere_are_said_with_the_shift"],
    ),
    "C25": (
        "one local file under two names",
        [
            "formats/test_one_image_once.py::test_c25_a_dataset_and_the_images_folder_give_one_image",
            "formats/test_one_image_once.py::test_c25_unicode_forms_of_one_name_are_one_image",
        ],
    ),
    "C26": (
        "a mask of another size",
        [
            "formats/test_coco_shapes.py::test_c26_a_mask_of_another_size_and_the_same_shape_is_scaled_and_said",
            "formats/test_coco_shapes.py::test_c26_a_mask_of_another_shape_is_an_error_with_both_sizes",
        ],
    ),
    "C27": (
        "key points without a bbox",
        ["formats/test_coco_shapes.py::test_c27_key_points_without_a_bbox_give_the_box_of_those_that_are_labelled"],
    ),
    "C28": (
        "64 KiB of categories first",
        ["formats/test_coco_images.py::test_c28_a_long_list_of_categories_before_anything_else_is_recognised"],
    ),
    "C29": (
        "a folder or glob of files",
        [
            "formats/test_coco_images.py::test_c29_shards_of_results_are_read_one_after_the_other",
            "formats/test_coco_images.py::test_c29_ids_are_each_files_own",
        ],
    ),
    "C30": ("UTF-16", ["formats/test_coco_images.py::test_c30_utf16_is_read"]),
    "C31": (
        "nothing is a detection",
        [
            "formats/test_coco_shapes.py::test_c31_a_file_in_which_nothing_is_a_detection_is_an_error",
            "cli/test_cli.py::test_c31_a_run_whose_boxes_were_all_dropped_is_no_success",
        ],
    ),
    "C32": (
        "every annotation a crowd",
        ["formats/test_coco_shapes.py::test_c32_where_every_annotation_is_a_crowd_the_option_is_said"],
    ),
    "C33": (
        "a size that the file contradicts",
        ["formats/test_coco.py::test_c33_an_image_whose_size_the_file_contradicts_fails_and_the_others_go_on"],
    ),
    "C34": (
        "category ids from format to format",
        [
            "formats/test_class_ids.py::test_c34_coco_to_coco_keeps_ids_order_and_classes_without_boxes",
            "formats/test_class_ids.py::test_c34_coco_to_yolo_to_coco_keeps_them_too",
            "formats/test_coco_images.py::test_c34_a_class_id_of_two_names_in_two_splits_is_an_error_where_ids_are_written",
        ],
    ),
    "C35": ("attributes.track_id", ["formats/test_coco_shapes.py::test_c35_a_track_is_read_wherever_tools_write_it"]),
    "V1": (
        "1-based and inclusive",
        [
            "formats/test_voc.py::test_coordinates_as_they_are_written",
            "formats/test_voc.py::test_v1_a_minimum_of_0_contradicts_the_format_and_ends_the_run",
        ],
    ),
    "V2": ("bndbox in any order", ["formats/test_voc.py::test_coordinates_as_they_are_written"]),
    "V3": ("float coordinates", ["formats/test_voc.py::test_coordinates_as_they_are_written"]),
    "V4": (
        "no size in the file",
        ["formats/test_voc.py::test_v4_the_size_comes_from_the_image_where_the_file_has_none"],
    ),
    "V5": ("wrong or missing filename", ["formats/test_voc.py::test_v5_which_image_a_file_is_about"]),
    "V6": ("scores", ["formats/test_voc.py::test_v6_scores"]),
    "V7": (
        "difficult and other fields",
        ["formats/test_voc_objects.py::test_v7_the_fields_that_are_asked_for_are_read"],
    ),
    "V8": ("parts", ["formats/test_voc_objects.py::test_v8_parts_are_passed_over_and_the_run_says_so_once"]),
    "V9": ("no objects", ["formats/test_voc.py::test_v9_a_file_without_objects_is_an_image_without_boxes"]),
    "V10": ("one pixel, reversed", ["formats/test_voc_objects.py::test_v10_a_reversed_box_is_put_in_order_and_listed"]),
    "V11": (
        "an outline alone",
        ["formats/test_voc_objects.py::test_v11_an_object_with_an_outline_alone_is_its_bounds_and_is_counted"],
    ),
    "V12": ("names and encodings", ["formats/test_voc.py::test_v12_names_and_encodings"]),
    "V13": ("entities", ["formats/test_voc.py::test_v13_entities_are_refused"]),
    "V14": ("result files", ["formats/test_voc.py::test_v14_result_files_are_joined_by_image"]),
    "V15": ("LabelMe's XML", ["formats/test_labelme_xml.py::test_v15_numbers_are_taken_as_they_are"]),
    "M1": (
        "classes of a list",
        [
            "formats/test_mot.py::test_m1_classes_of_a_list_count_from_1",
            "formats/test_mot.py::test_m1_a_run_in_which_0_occurs_counts_from_0",
            "formats/test_mot.py::test_m1_both_in_one_run_are_an_error_that_names_the_option",
        ],
    ),
    "M2": (
        "one track twice in a frame",
        ["formats/test_mot.py::test_m2_of_two_boxes_with_one_track_in_a_frame_the_better_stays"],
    ),
    "M3": (
        "a box that begins at 0",
        ["formats/test_mot.py::test_m3_a_box_that_begins_at_0_contradicts_a_count_from_1"],
    ),
}
#: what has no id: live results, recognition, several sources
OTHERS = {
    "columns of other lengths": ["formats/test_live.py::test_columns_of_other_lengths_are_an_error_with_both"],
    "normalised boxes": ["formats/test_live.py::test_boxes_within_0_and_1_on_a_larger_image_look_normalised"],
    "a class that is no whole number": ["formats/test_live.py::test_a_class_that_is_no_whole_number_is_an_error"],
    "a collector outside its with": [
        "collector/test_collector_losses.py::test_outside_its_context_the_first_call_is_an_error"
    ],
    "a missing track": ["formats/test_live.py::test_a_track_that_is_missing_is_none_without_a_warning"],
    "results of the frameworks": ["formats/test_live.py::test_a_result_is_recognised_and_read"],
    "empty results": ["formats/test_live.py::test_an_empty_result_is_an_image_without_boxes"],
    "recognition by content": [
        "cli/test_cli.py::test_the_format_is_recognised_by_its_content",
        "reading/test_recognition.py::test_two_lines_say_what_each_likely_format_stumbled_over_and_what_to_try",
    ],
    "several sources": [
        "cli/test_cli.py::test_several_sources_are_read_in_one_run",
        "reading/test_source.py::test_several_sources_are_one_whose_files_are_relative_to_where_all_lie",
    ],
    "a failed conversion": ["formats/test_class_ids.py::test_a_failed_conversion_leaves_the_folder_as_it_was"],
}
EVERY = {
    *(f"Y{n}" for n in range(1, 34)),
    *(f"C{n}" for n in range(1, 36)),
    *(f"V{n}" for n in range(1, 16)),
    "M1",
    "M2",
    "M3",
}


def functions_of(path):
    """The tests of a file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_input_is_without_a_test():
    """Every id has a row, and every row a test."""
    assert set(TABLE) == EVERY
    assert all(name and tests for name, tests in TABLE.values())


@pytest.mark.parametrize("tests", [*(tests for _, tests in TABLE.values()), *OTHERS.values()], ids=[*TABLE, *OTHERS])
def test_the_tests_of_a_row_are_there(tests):
    """By file and name: a test that is renamed takes its row along."""
    for test in tests:
        path, _, name = test.partition("::")
        assert name in functions_of(path), test


@pytest.mark.skipif(not INPUTS.is_file(), reason="the list of inputs does not lie beside the project")
def test_the_ids_are_those_of_the_list():
    """Where it lies beside the project; the formats that have no ids are others' rows."""
    ids = set(re.findall(r"^\| ([YCVM]\d+) \|", INPUTS.read_text(encoding="utf-8"), re.MULTILINE))
    assert ids == EVERY
